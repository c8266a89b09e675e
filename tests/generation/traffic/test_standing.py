"""A channel's standing, from its calls, breakers and tests."""

from datetime import timedelta
from typing import Any

import pytest

from generation.models import Channel
from generation.traffic.channel_events import Kind, Shut
from generation.traffic.minutes import CallMinute, Now
from generation.traffic.standing import Standing, standing_of
from pictor.kit.words.ids import new_uuid
from tests.factories import at

NOON = at("2026-11-20T12:00:00Z")


def stands(*, at_minute: int = 29, **facts: Any) -> tuple[Standing, str]:
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
        ({}, Standing.QUIET, ""),
        ({"delivered": 1}, Standing.HEALTHY, ""),
        ({"delivered": 95, "refused": 5}, Standing.HEALTHY, ""),
        ({"delivered": 94, "refused": 6}, Standing.DEGRADED, "6 of 100 calls failed"),
        ({"moderated": 50}, Standing.HEALTHY, ""),
        ({"delivered": 5, "unknown": 5}, Standing.DEGRADED, "5 of 10 calls failed"),
        (
            {"delivered": 4, "unknown": 6},
            Standing.DOWN,
            "4 of 10 calls in 10 minutes brought images",
        ),
        ({"delivered": 0, "refused": 9}, Standing.DEGRADED, "9 of 9 calls failed"),
        ({"refused": 10, "at_minute": 20}, Standing.DOWN, "0 of 10 calls in 10 minutes"),
        ({"refused": 10, "at_minute": 19}, Standing.DEGRADED, "10 of 10 calls failed"),
        (
            {"shut": [shut(Kind.BREAKER_OPENED)], "workers": 2},
            Standing.DOWN,
            "breaker open in 1 of 2 workers",
        ),
        (
            {"shut": [shut(Kind.BREAKER_OPENED)], "workers": 3},
            Standing.DEGRADED,
            "breaker open in 1 of 3 workers",
        ),
        (
            {"shut": [shut(Kind.GATE_CLOSED)], "workers": 1},
            Standing.DEGRADED,
            "asked to wait by the vendor in 1 of 1 workers",
        ),
        ({"untested": ["dall-e-3"]}, Standing.UNTESTED, "dall-e-3: not served before a test"),
        ({"untested": ["dall-e-3"], "refused": 10}, Standing.DOWN, "0 of 10 calls"),
        ({"is_enabled": False, "refused": 10}, Standing.PAUSED, ""),
        ({"is_enabled": False, "archived_at": NOON}, Standing.ARCHIVED, ""),
    ],
)
def test_what_is_worst_is_said(facts, standing, why):
    found, words = stands(**facts)

    assert found == standing
    assert words.startswith(why)
