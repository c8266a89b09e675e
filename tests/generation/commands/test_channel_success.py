"""`channel list --lately` prints the figures of the console's list of channels."""

import json
from typing import Any

import pytest

from tests.console.ops.channel_pages import called, sold
from tests.making.factories import make_channel
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db


def test_share_cost_and_margin_are_said_the_worst_first(manage):
    sow()
    figures: dict[str, Any] = {"images": 2, "captured_micros": 90_000, "cost_micros": 60_000}
    called(make_channel("well"), delivered=30)
    down = make_channel("down")
    called(down, delivered=4, refused=6)
    sold(down, **figures)
    sold(down, days_ago=7, **figures)
    make_channel("sandbox", serves="test")

    first, second = json.loads(manage("channel", "list", "--lately", "--json").out)
    table = manage("channel", "list", "--lately", "--mode", "test").out.splitlines()

    assert {name: first[name] for name in ("name", "standing", "calls", "failed", "share")} == {
        "name": "down", "standing": "down", "calls": 10, "failed": 6, "share": 0.25,
    }  # fmt: skip
    assert {name: first[name] for name in ("images", "cost", "revenue", "margin")} == {
        "images": 2, "cost": "0.060000", "revenue": "0.090000", "margin": "0.030000",
    }  # fmt: skip
    assert (second["name"], second["share"], second["cost"]) == ("well", 0.75, None)
    assert [line.split()[0] for line in table] == ["name", "sandbox"]
    assert json.loads(manage("channel", "list", "--lately", "--archived", "--json").out) == []
