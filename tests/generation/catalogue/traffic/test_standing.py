"""A channel's standing, from its calls, breakers and tests."""

from datetime import timedelta
from typing import Any

import pytest

from generation.catalogue.traffic.channel_events import Kind, Shut
from generation.catalogue.traffic.minutes import CallMinute, Now
from generation.catalogue.traffic.standing import ChannelStatus, standing_of
from generation.models import Channel
from pictor.kit.words.ids import new_uuid
from tests.making.factories import at

NOON = at("2026-11-20T12:00:00Z")


def stands(*, at_minute: int = 29, **facts: Any) -> tuple[ChannelStatus, str]:
    """Standing of a channel whose calls all ended in one of the 30 minutes."""
    options: dict[str, Any] = {"shut": [], "workers": 2, "untested": []}
    options |= {name: facts.pop(name) for name in [*options] if name in facts}
    channel = Channel(name="acme", is_enabled=facts.pop("is_enabled", True))
    channel.archived_at = facts.pop("archived_at", None)
    cells = [CallMinute(NOON + timedelta(minutes=minute)) for minute in range(30)]
    cells[at_minute] = CallMinute(cells[at_minute].minute, facts)
    return standing_of(channel, Now(cells, None, None, {}), **options)


def shut(kind: Kind) -> Shut:
    return Shut(1, kind, "", new_uuid(), NOON)


@pytest.mark.parametrize(
    ("facts", "standing", "why"),
    [
        ({}, ChannelStatus.QUIET, ""),
        ({"delivered": 1}, ChannelStatus.HEALTHY, ""),
        ({"delivered": 95, "refused": 5}, ChannelStatus.HEALTHY, ""),
        ({"delivered": 94, "refused": 6}, ChannelStatus.DEGRADED, "6 of 100 calls failed"),
        ({"moderated": 50}, ChannelStatus.HEALTHY, ""),
        ({"delivered": 5, "unknown": 5}, ChannelStatus.DEGRADED, "5 of 10 calls failed"),
        (
            {"delivered": 4, "unknown": 6},
            ChannelStatus.DOWN,
            "4 of 10 calls in 10 minutes brought images",
        ),
        ({"delivered": 0, "refused": 9}, ChannelStatus.DEGRADED, "9 of 9 calls failed"),
        ({"refused": 10, "at_minute": 20}, ChannelStatus.DOWN, "0 of 10 calls in 10 minutes"),
        ({"refused": 10, "at_minute": 19}, ChannelStatus.DEGRADED, "10 of 10 calls failed"),
        (
            {"shut": [shut(Kind.BREAKER_OPENED)], "workers": 2},
            ChannelStatus.DOWN,
            "breaker open in 1 of 2 workers",
        ),
        (
            {"shut": [shut(Kind.BREAKER_OPENED)], "workers": 3},
            ChannelStatus.DEGRADED,
            "breaker open in 1 of 3 workers",
        ),
        (
            {"shut": [shut(Kind.GATE_CLOSED)], "workers": 1},
            ChannelStatus.DEGRADED,
            "asked to wait by the vendor in 1 of 1 workers",
        ),
        ({"untested": ["dall-e-3"]}, ChannelStatus.UNTESTED, "dall-e-3: not served before a test"),
        ({"untested": ["dall-e-3"], "refused": 10}, ChannelStatus.DOWN, "0 of 10 calls"),
        ({"is_enabled": False, "refused": 10}, ChannelStatus.PAUSED, ""),
        ({"is_enabled": False, "archived_at": NOON}, ChannelStatus.ARCHIVED, ""),
    ],
)
def test_the_worst_fact_decides_a_channels_standing(facts, standing, why):
    found, words = stands(**facts)

    assert found == standing
    assert words.startswith(why)
