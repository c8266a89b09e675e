"""The demo's story: its amounts, and the same result for the same time."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

from generation.channels.errors import AttemptClass
from generation.management.history import story
from generation.management.history.habits import HABITS
from tests.making.factories import at

NOW = at("2026-11-20T12:00:00Z")


def test_the_same_moment_gives_the_same_story():
    assert story.sample_requests(NOW) == story.sample_requests(NOW)


def test_two_thousand_requests_in_order_fill_ninety_days_and_end_before_now():
    told = story.sample_requests(NOW)

    assert len(told) == 2000
    assert all(one.at <= other.at for one, other in pairwise(told))
    assert (told[-1].at - told[0].at).days in {88, 89, 90}
    slowest = max(one.queued_seconds + sum(call.seconds for call in one.calls) for one in told)
    assert slowest < 480
    assert (NOW - told[-1].at).total_seconds() > 720


def test_the_demos_channel_worked_just_before_now():
    told = story.sample_requests(NOW)
    ends = [one.at + timedelta(seconds=sum(call.seconds for call in one.calls)) for one in told]

    assert sum(NOW - timedelta(minutes=27) < at < NOW - timedelta(minutes=3) for at in ends) >= 12


def test_every_model_key_and_ending_is_there():
    told = story.sample_requests(NOW)

    assert {one.request["model"] for one in told} == {habit.model for habit in HABITS}
    assert {one.key for one in told} == {"production", "staging", "catalogue-import"}
    ends = Counter(one.calls[-1].attempt_class if one.calls else "canceled" for one in told)
    assert ends.keys() == {
        *("canceled", AttemptClass.DELIVERED, AttemptClass.MODERATED, AttemptClass.UNKNOWN),
        *(AttemptClass.REFUSED, AttemptClass.BAD_RESULT, AttemptClass.NOT_REACHED),
    }
    assert 1700 < ends[AttemptClass.DELIVERED] < 1900
    assert any(0 < one.images < one.request["n"] for one in told)
    assert any(one.timed_out for one in told)
    assert any(len(one.calls) == 2 for one in told)


def test_working_days_are_busier_than_weekends_and_days_than_nights():
    told = story.sample_requests(NOW)

    by_weekday = Counter(one.at.weekday() for one in told)
    assert min(by_weekday[day] for day in range(5)) > 2 * max(by_weekday[5], by_weekday[6])
    by_hour = Counter(one.at.hour for one in told)
    assert by_hour[10] > 5 * by_hour[2]


def test_a_revoked_key_is_used_no_more():
    told = story.sample_requests(NOW)

    last = max(one.at for one in told if one.key == "catalogue-import")
    assert last < story.revoked_at(NOW)
