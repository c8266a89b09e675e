"""Live calls to channels by minute: each is counted once, whenever it ends."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from generation.catalogue.traffic import minutes
from generation.catalogue.traffic.minutes import Counting, Success
from generation.models import Attempt, AttemptMinute, Channel, Generation
from pictor.kit.words import ids
from tests.making.factories import ORIGIN, at, make_channel

pytestmark = pytest.mark.django_db

NOON = at("2026-11-20T12:00:00Z")


def ended(
    generation: Generation,
    channel: Channel,
    finished_at: datetime | None,
    ended_as: str = "delivered",
    *,
    seconds: float = 2.0,
) -> Attempt:
    """An attempt of this many seconds; still under way without `finished_at`."""
    started_at = (finished_at or NOON) - timedelta(seconds=seconds)
    return Attempt.objects.create(
        id=ids.new_uuid_of(started_at),
        generation=generation,
        dispatch=1,
        number=Attempt.objects.count() + 1,
        channel=channel,
        upstream_model="d3",
        started_at=started_at,
        finished_at=finished_at,
        attempt_class=ended_as if finished_at else "",
    )


def counted() -> list[tuple[Any, ...]]:
    rows = AttemptMinute.objects.order_by("minute", "attempt_class")
    return [(f"{row.minute:%H:%M}", row.attempt_class, row.number, row.latency) for row in rows]


def test_calls_are_counted_in_the_minute_in_which_they_ended_by_class_and_time(queued, channel):
    for second in (1, 30, 59):
        ended(queued, channel, NOON + timedelta(seconds=second))
    ended(queued, channel, NOON + timedelta(seconds=59), seconds=0.2)
    ended(queued, channel, NOON + timedelta(seconds=59), "refused", seconds=2_000)
    ended(queued, channel, NOON + timedelta(seconds=60), seconds=-0.5)  # clocks apart
    ended(queued, channel, None)

    Counting().count(now=NOON + timedelta(minutes=2))

    assert counted() == [
        ("12:00", "delivered", 4, {"0": 1, "13": 3}),
        ("12:00", "refused", 1, {"49": 1}),
        ("12:01", "delivered", 1, {"0": 1}),
    ]
    row = AttemptMinute.objects.first()
    assert row is not None
    assert (row.channel_id, row.model) == (channel.id, ORIGIN)


def test_tests_and_demo_data_are_not_counted(acme, channel):
    sandbox = make_channel("sandbox", serves="both")
    ended(acme.tester().generation(), sandbox, NOON)
    invented = acme.generation()
    Generation.objects.filter(id=invented.id).update(source="demo")
    ended(invented, channel, NOON)

    Counting().count(now=NOON)

    assert counted() == []


def test_a_call_ending_while_others_count_is_counted_once(queued, channel):
    one, other = Counting(), Counting()
    ended(queued, channel, NOON)
    one.count(now=NOON + timedelta(seconds=1))
    ended(queued, channel, NOON + timedelta(seconds=2))
    other.count(now=NOON + timedelta(seconds=3))
    one.count(now=NOON + timedelta(seconds=61))
    ended(queued, channel, NOON + timedelta(seconds=4))  # committed late
    one.count(now=NOON + timedelta(seconds=299))

    assert counted() == [("12:00", "delivered", 3, {"13": 3})]


def test_a_late_writer_takes_no_counts_back(queued, channel):
    ended(queued, channel, NOON)
    Counting().count(now=NOON)
    AttemptMinute.objects.update(number=5, latency={"13": 5})

    Counting().count(now=NOON)

    assert counted() == [("12:00", "delivered", 5, {"13": 5})]


def test_a_call_ending_long_after_its_start_is_counted_within_the_hour(queued, channel):
    counting = Counting()
    counting.count(now=NOON)
    ended(queued, channel, NOON, "unknown", seconds=40_000)
    counting.count(now=NOON + timedelta(minutes=59))
    assert counted() == []

    counting.count(now=NOON + timedelta(minutes=60))

    assert counted() == [("12:00", "unknown", 1, {"49": 1})]


def test_after_a_stop_what_was_missed_is_counted_and_only_48_hours_are_kept(queued, channel):
    ended(queued, channel, NOON)
    ended(queued, channel, NOON + timedelta(hours=30))
    counting = Counting()
    counting.count(now=NOON + timedelta(hours=30))
    assert [row[0] for row in counted()] == ["12:00", "18:00"]

    counting.count(now=NOON + timedelta(hours=48, seconds=59))
    assert len(counted()) == 2
    counting.count(now=NOON + timedelta(hours=48, seconds=60))

    assert [row[0] for row in counted()] == ["18:00"]


def test_a_failed_count_is_made_up_for(queued, channel, monkeypatch):
    counting = Counting()
    counting.count(now=NOON)
    ended(queued, channel, NOON + timedelta(minutes=1))
    with monkeypatch.context() as patch:
        patch.setattr(minutes, "_count", _fails)
        with pytest.raises(RuntimeError):
            counting.count(now=NOON + timedelta(minutes=2))

    counting.count(now=NOON + timedelta(minutes=30))

    assert [row[:3] for row in counted()] == [("12:01", "delivered", 1)]


def test_a_thread_does_not_wait_for_another_that_counts(queued, channel, monkeypatch):
    counting, counts = Counting(), []

    def beside(since: datetime) -> None:
        counts.append(since)
        counting.count(now=NOON)

    monkeypatch.setattr(minutes, "_count", beside)
    counting.count(now=NOON)
    counting.count(now=NOON)

    assert len(counts) == 2


def _fails(_since: datetime) -> None:
    raise RuntimeError


def test_now_is_thirty_whole_minutes_with_their_seconds(queued, channel):
    other = make_channel("other")
    for second in range(19):
        ended(queued, channel, NOON + timedelta(seconds=second), seconds=1.1)
    ended(queued, channel, NOON + timedelta(minutes=1), seconds=100)
    ended(queued, channel, NOON + timedelta(minutes=1), "moderated", seconds=600)
    ended(queued, other, NOON, "refused")
    ended(queued, channel, NOON + timedelta(minutes=30), seconds=300)  # not whole yet
    Counting().count(now=NOON + timedelta(minutes=30, seconds=5))

    now = minutes.now_of(channel, now=NOON + timedelta(minutes=30, seconds=5))

    assert len(now.cells) == 30
    assert (now.cells[0].minute, now.cells[-1].minute) == (NOON, NOON + timedelta(minutes=29))
    assert now.cells[0].classes == {"delivered": 19}
    assert now.cells[1].classes == {"delivered": 1, "moderated": 1}
    assert now.cells[2].classes == {}
    assert now.cells[1].p50 == pytest.approx(100, rel=0.2)
    assert now.cells[2].p50 is None
    assert now.p50 == pytest.approx(1.1, rel=0.2)
    assert now.p95 == pytest.approx(1.1, rel=0.2)


def test_success_leaves_out_what_only_the_request_was_to_blame_for(acme, channel):
    queued, other = acme.generation(), make_channel("other")
    for ended_as in ("delivered", "storage_failed", "refused", "unknown", "bad_result"):
        ended(queued, channel, NOON, ended_as)
    for ended_as in ("rejected", "moderated"):
        ended(queued, channel, NOON, ended_as)
        ended(queued, other, NOON, ended_as)
    ended(queued, other, NOON, "not_reached")
    ended(queued, other, NOON - timedelta(seconds=1))
    now = NOON + timedelta(minutes=10, seconds=59)
    Counting().count(now=now)

    assert minutes.recent_success(now=now) == [
        Success(channel.id, ORIGIN, 5, 2),
        Success(other.id, ORIGIN, 1, 0),
    ]
    assert minutes.recent_success(now=now + timedelta(seconds=1)) == []


def test_tests_and_demo_data_are_counted_as_they_are_asked_for(acme, channel):
    sandbox = make_channel("sandbox", serves="both")
    ended(acme.tester().generation(), sandbox, NOON + timedelta(minutes=29, seconds=59))
    invented = acme.generation()
    Generation.objects.filter(id=invented.id).update(source="demo")
    ended(invented, channel, NOON, seconds=600)
    ended(invented, channel, NOON - timedelta(seconds=1))  # longer ago than 30 minutes
    ended(invented, channel, NOON + timedelta(minutes=30))  # in a minute that is not over
    now = NOON + timedelta(minutes=30, seconds=5)

    found = {mode: minutes.now_of_each(now=now, mode=mode) for mode in ("live", "test", "demo")}

    assert {
        mode: {pk: dict(one.models) for pk, one in of.items()} for mode, of in found.items()
    } == {
        "live": {channel.id: {}, sandbox.id: {}},
        "test": {channel.id: {}, sandbox.id: {ORIGIN: 1}},
        "demo": {channel.id: {ORIGIN: 1}, sandbox.id: {}},
    }
    assert [cell.minute for cell in found["demo"][channel.id].cells if cell.calls] == [NOON]
