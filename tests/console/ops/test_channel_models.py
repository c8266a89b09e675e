"""Models of a channel in the list: those that it serves and those awaiting a test."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from generation.models import Channel, ChannelTrial
from pictor.kit.words import clock
from tests.console.ops.channel_pages import LIST, called, sold, text_of
from tests.making.factories import make_channel

pytestmark = pytest.mark.usefixtures("sown")

ALL = ("gpt-image-2", "gpt-image-2-auto", "gpt-image-2-origin", "gpt-image-2-pro")


def wait_for_a_test(channel: Channel, *models: str) -> None:
    channel.routes.filter(contract_id__in=models).update(is_approved=False)


def test_two_are_named_and_the_others_are_counted(owner):
    make_channel("wide", *ALL)

    answer = owner.get(LIST)

    assert "gpt-image-2 gpt-image-2-auto and 2 more" in text_of(answer)
    assert 'title="gpt-image-2-origin, gpt-image-2-pro"' in answer.content.decode()


def test_models_awaiting_a_test_are_named(owner):
    wait_for_a_test(make_channel("new", *ALL), *ALL[:3])

    said = text_of(owner.get(LIST))

    assert "Not tested: gpt-image-2 gpt-image-2-auto and 1 more no test yet" in said


def test_a_channel_says_when_it_was_tested_last_or_that_it_never_was(owner):
    make_channel("trusted", *ALL)
    channel = make_channel("tried", ALL[0])
    ChannelTrial.objects.create(channel=channel, model=ALL[0], started_at=clock.now())

    said = text_of(owner.get(LIST))

    assert "4 routes approved without a test" in said
    assert "1 route last test now" in said


def listed(*words: str) -> list[str]:
    """The lines of `manage.py list channels`."""
    out = StringIO()
    call_command("list", "channels", *words, stdout=out)
    return out.getvalue().splitlines()


def test_the_shell_says_share_cost_and_margin_the_worst_first():
    figures: dict[str, Any] = {"images": 2, "captured_micros": 90_000, "cost_micros": 60_000}
    called(make_channel("well"), delivered=30)
    down = make_channel("down")
    called(down, delivered=4, refused=6)
    sold(down, **figures)
    sold(down, days_ago=7, **figures)
    make_channel("sandbox", serves="test")

    first, second = map(json.loads, listed("--json"))

    assert [first[name] for name in ("name", "standing", "calls_30_minutes", "share")] == [
        "down", "down", 10, 0.25,
    ]  # fmt: skip
    sums = ("images_7_days", "cost_usd_7_days", "revenue_usd_7_days", "margin_usd_7_days")
    assert [first[name] for name in sums] == [2, "0.060000", "0.090000", "0.030000"]
    assert (second["name"], second["share"], second["cost_usd_7_days"]) == ("well", 0.75, "")
    head, line = listed("--mode", "test")
    assert (head.split()[0], head.split()[-1]) == ("Channel", "Tested")
    assert line.startswith("sandbox, openai")
    assert listed("--show", "archived", "--json") == []
