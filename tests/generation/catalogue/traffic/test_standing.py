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
    """Standing of a channel whose calls for one model all ended in one of the 30 minutes."""
    options: dict[str, Any] = {"shut": [], "workers": 2, "models": ["dall-e-2"], "untested": []}
    options |= {name: facts.pop(name) for name in [*options] if name in facts}
    channel = Channel(name="acme", is_enabled=facts.pop("is_enabled", True))
    channel.archived_at = facts.pop("archived_at", None)
    recent = facts.pop("recent", {})
    cells = [CallMinute(NOON + timedelta(minutes=minute)) for minute in range(30)]
    cells[at_minute] = CallMinute(cells[at_minute].minute, facts)
    judged = cells[at_minute].delivered + cells[at_minute].failed
    if at_minute >= 20 and judged:
        recent = {"dall-e-2": (cells[at_minute].delivered, judged)}
    return standing_of(channel, Now(cells, None, None, {}, recent), **options)


def shut(kind: Kind, model: str = "") -> Shut:
    return Shut(1, kind, model, new_uuid(), NOON)


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
        (
            {"shut": [shut(Kind.BREAKER_OPENED, "dall-e-2")], "models": ["dall-e-2", "dall-e-3"]},
            ChannelStatus.DEGRADED,
            "1 of 2 models: breaker open in 1 of 2 workers",
        ),
        (
            {"shut": [shut(Kind.BREAKER_OPENED, name) for name in ("dall-e-2", "dall-e-3")],
             "models": ["dall-e-2", "dall-e-3"]},
            ChannelStatus.DOWN,
            "breaker open in 2 of 2 workers",
        ),
        (
            {"recent": {"dall-e-2": (0, 20), "dall-e-3": (9, 9)},
             "models": ["dall-e-2", "dall-e-3", "gpt-image-2"]},
            ChannelStatus.DEGRADED,
            "1 of 3 models: 0 of 20 calls in 10 minutes brought images",
        ),
        (
            {"recent": {"dall-e-2": (0, 6), "dall-e-3": (1, 6)},
             "models": ["dall-e-2", "dall-e-3"]},
            ChannelStatus.DOWN,
            "1 of 12 calls in 10 minutes brought images",
        ),
        ({"untested": ["dall-e-3"]}, ChannelStatus.UNTESTED, "dall-e-3: not served before a test"),
        ({"untested": ["dall-e-3"], "refused": 10}, ChannelStatus.DOWN, "0 of 10 calls"),
        ({"is_enabled": False, "refused": 10}, ChannelStatus.PAUSED, ""),
        ({"is_enabled": False, "archived_at": NOON}, ChannelStatus.ARCHIVED, ""),
    ],
)  # fmt: skip
def test_the_worst_fact_decides_a_channels_standing(facts, standing, why):
    found, words = stands(**facts)

    assert found == standing
    assert words.startswith(why)
