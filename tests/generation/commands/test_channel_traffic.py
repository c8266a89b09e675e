"""`manage.py channel show|history`: a channel's recent traffic."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from generation.catalogue import services
from generation.catalogue.services import ChannelOptions
from generation.catalogue.traffic import channel_events
from generation.catalogue.traffic.channel_events import BreakerChange
from generation.lifecycle.lease import enlist, retire
from generation.models import AttemptMinute, Channel, ChannelEvent
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

NEW = ("--base-url", "https://api.example.com/v1", "--api-key", "sk-1", "--models", "dall-e-3")


@pytest.fixture
def vendor(manage: Any) -> Channel:
    manage("channel", "set", "vendor", *NEW)
    return Channel.objects.get()


def test_operators_switches_are_in_the_history_with_their_names(manage, vendor):
    manage("channel", "enable", "vendor", "--untested", "--as", "ann@example.com")
    manage("channel", "enable", "vendor")  # it is
    services.set_channel(name="vendor", options=ChannelOptions(api_key="sk-2"), actor="test")
    services.swap(channel=vendor, actor="test", untested=True)
    services.set_channel(name="vendor", options=ChannelOptions(priority=3), actor="test")
    manage("channel", "reset", "vendor")
    manage("channel", "disable", "vendor", "--yes")

    found = json.loads(manage("channel", "history", "vendor", "--json").out)

    assert [one["event"] for one in found] == [
        *("paused", "reset", "reset", "key_changed", "enabled"),
    ]
    assert found[-1]["actor"].startswith("manage.py (")
    assert found[-1]["actor"].endswith(" as ann@example.com)")
    assert found[2]["actor"] == "test"
    assert found[-1]["worker"] is None


def test_changes_are_shown_before_and_after_with_their_author(manage, vendor):
    manage("channel", "set", "vendor", "--priority", "3", "--as", "ann@example.com")

    change, made = json.loads(manage("channel", "history", "vendor", "--changes", "--json").out)

    assert (made["action"], made["before"], made["after"]["name"]) == ("channel.set", {}, "vendor")
    assert (change["action"], change["before"], change["after"]) == (
        *("channel.set", {"priority": 10}, {"priority": 3}),
    )
    assert change["actor"].endswith(" as ann@example.com)")
    assert '{"priority": 10}' in manage("channel", "history", "vendor", "--changes").out


def test_workers_events_are_listed_newest_first_as_far_back_as_asked(manage, vendor):
    worker, now = new_uuid(), clock.now()
    kinds = ChannelEvent.Kind
    changes = [
        BreakerChange(vendor.id, kinds.BREAKER_OPENED, now - timedelta(hours=30), "dall-e-3", 10.0),
        BreakerChange(vendor.id, kinds.BREAKER_CLOSED, now - timedelta(hours=2), "dall-e-3"),
        BreakerChange(vendor.id, kinds.GATE_CLOSED, now, seconds=2.5),
        BreakerChange(vendor.id, kinds.OTHER_MODEL, now, "dall-e-3", words="d4 answers for d3"),
    ]
    channel_events.write(changes, worker=worker)

    day = manage("channel", "history", "vendor").out.splitlines()
    longer = json.loads(manage("channel", "history", "vendor", "--hours", "31", "--json").out)

    assert [line.split()[1] for line in day] == [
        "event", "other_model", "gate_closed", "breaker_closed",
    ]  # fmt: skip
    assert longer[0]["words"] == "d4 answers for d3"
    assert longer[1] == {
        "at": now.isoformat(),
        "event": "gate_closed",
        "model": None,
        "seconds": 2.5,
        "worker": str(worker),
        "actor": None,
        "words": None,
    }
    assert [one["seconds"] for one in longer[1:]] == [2.5, None, 10.0]
    assert manage("channel", "history", "vendor", "--hours", "721").error == (
        "--hours is 1 to 720, not 721"
    )
    assert manage("channel", "history", "nobody").error == "no channel named 'nobody'"


def test_a_channel_is_shut_while_a_live_worker_last_said_so(manage, vendor):
    manage("channel", "enable", "vendor", "--untested")
    worker, dead, now = enlist(), enlist(), clock.now()
    retire(worker=dead)
    kinds = ChannelEvent.Kind
    of_model = partial(BreakerChange, vendor.id, model="dall-e-3")
    for changes in (
        [of_model(kinds.BREAKER_OPENED, now - timedelta(seconds=9))],
        [BreakerChange(vendor.id, kinds.BREAKER_OPENED, now - timedelta(seconds=9))],
        [of_model(kinds.BREAKER_CLOSED, now - timedelta(seconds=5))],
        [BreakerChange(vendor.id, kinds.GATE_CLOSED, now - timedelta(seconds=4), seconds=60.0)],
        [of_model(kinds.BREAKER_OPENED, now - timedelta(seconds=3))],
        [BreakerChange(vendor.id, kinds.BREAKER_CLOSED, now - timedelta(seconds=2))],
    ):
        channel_events.write(changes, worker=worker)
    channel_events.write([BreakerChange(vendor.id, kinds.BREAKER_OPENED, now)], worker=dead)

    shown = json.loads(manage("channel", "show", "vendor", "--json").out)

    assert (shown["name"], shown["enabled"]) == ("vendor", True)
    assert [(one["kind"], one["model"], one["worker"]) for one in shown["shut"]] == [
        ("gate_closed", None, str(worker)),
        ("breaker_opened", "dall-e-3", str(worker)),
    ]
    assert str(worker) in manage("channel", "show", "vendor").out
    manage("channel", "disable", "vendor", "--yes")
    assert channel_events.shut_now() == []
    manage("channel", "enable", "vendor")
    assert len(channel_events.shut_now()) == 2
    manage("channel", "reset", "vendor")
    assert channel_events.shut_now() == []


def test_now_is_shown_by_the_minute(manage, vendor):
    minute = clock.now().replace(second=0, microsecond=0) - timedelta(minutes=3)
    for ended_as, number in (("delivered", 3), ("refused", 1)):
        AttemptMinute.objects.create(
            minute=minute,
            channel=vendor,
            model="dall-e-3",
            attempt_class=ended_as,
            number=number,
            latency={"13": number},
        )

    shown = json.loads(manage("channel", "show", "vendor", "--json").out)
    (filled,) = [cell for cell in shown["minutes"] if cell["calls"]]

    assert len(shown["minutes"]) == 30
    assert (filled["minute"], filled["calls"]) == (minute.isoformat(), 4)
    assert filled["classes"] == {"delivered": 3, "refused": 1}
    assert (shown["p50"], shown["p95"], filled["p95"]) == (2.2, 2.4, 2.4)
    assert shown["success"] == {"dall-e-3": "3 of 4"}
    assert '{"delivered": 3, "refused": 1}' in manage("channel", "show", "vendor").out


def test_channel_events_are_deleted_after_thirty_days(vendor, monkeypatch):
    monkeypatch.setattr(channel_events, "BATCH", 2)
    now = clock.now()
    ages = [timedelta(days=30, seconds=1)] * 5 + [timedelta(days=29, hours=23)]
    changes = [BreakerChange(vendor.id, ChannelEvent.Kind.RESET, now - age) for age in ages]
    channel_events.write(changes, worker=new_uuid())

    channel_events.forget_old(now=now)

    assert ChannelEvent.objects.get().at == now - ages[-1]
