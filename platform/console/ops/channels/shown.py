"""Parts shared by the channel pages: the standing as a badge, minutes as bars and words."""

from collections.abc import Mapping
from datetime import UTC

from console.parts.sentences import capitalised
from console.uptime import State, bars_of
from generation.catalogue.traffic.minutes import CallMinute, Now
from generation.catalogue.traffic.standing import ChannelStatus
from generation.models import Channel

Badge = tuple[State, str]
"""A colour and a word."""

BADGES: Mapping[ChannelStatus, Badge] = {
    ChannelStatus.DOWN: ("bad", "Down"),
    ChannelStatus.DEGRADED: ("warn", "Degraded"),
    ChannelStatus.UNTESTED: ("warn", "Untested"),
    ChannelStatus.HEALTHY: ("ok", "Healthy"),
    ChannelStatus.QUIET: ("idle", "No calls"),
    ChannelStatus.PAUSED: ("idle", "Paused"),
    ChannelStatus.ARCHIVED: ("idle", "Archived"),
}


def sentence_about(words: str, channel: Channel) -> str:
    """Capitalise a service's words as a sentence, except if they begin with the channel's name."""
    return words if words.startswith(channel.name) else capitalised(words)


def bars(now: Now) -> list[tuple[State, str]]:
    """Return the last 30 minutes as bars; a minute without calls is a stub."""
    return bars_of([state_of(cell) for cell in now.cells])


def state_of(cell: CallMinute) -> State:
    """Return the state of a minute; calls that failed because of the request do not count."""
    judged = cell.delivered + cell.failed
    if not judged:
        return "idle"
    if not cell.failed:
        return "ok"
    return "bad" if 2 * cell.failed >= judged else "warn"


def minutes_in_words(now: Now) -> str:
    """Describe the bars in a sentence."""
    calls = sum(cell.calls for cell in now.cells)
    if not calls:
        return "No calls in 30 minutes"
    failed = sum(cell.failed for cell in now.cells)
    words = f"{calls:,} call{'s' if calls > 1 else ''} in 30 minutes, {failed:,} failed"
    if failed:
        worst = max(now.cells, key=lambda cell: cell.failed)
        words += f", most at {worst.minute.astimezone(UTC):%H:%M} UTC"
    return words
