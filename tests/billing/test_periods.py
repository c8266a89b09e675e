"""Buckets of time: whole, in order, without a gap, over leap days and ends of years."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.periods import bucket_start, buckets_between, day_of, day_start, minutes_early

MOMENT = datetime(2027, 12, 30, 23, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bucket", "count", "first"),
    [
        ("hour", 1_562, datetime(2027, 12, 30, 23, tzinfo=UTC)),
        ("day", 67, datetime(2027, 12, 30, tzinfo=UTC)),
        ("month", 4, datetime(2027, 12, 1, tzinfo=UTC)),
    ],
)
def test_buckets_are_whole_and_follow_one_another(bucket, count, first):
    end = datetime(2028, 3, 5, 0, 30, tzinfo=UTC)

    found = list(buckets_between(MOMENT, end, bucket=bucket))

    assert len(found) == count
    assert found[0][0] == first
    assert [start for start, _ in found[1:]] == [finish for _, finish in found[:-1]]
    assert found[-1][0] < end <= found[-1][1]


def test_a_leap_february_has_29_days():
    (february,) = buckets_between(
        datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC), bucket="month"
    )

    assert february[1] - february[0] == timedelta(days=29)


def test_before_its_start_there_is_no_time():
    assert list(buckets_between(MOMENT, MOMENT - timedelta(hours=1), bucket="hour")) == []


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours", "early"),
    [
        ("UTC", "2026-10-25", "2026-10-25T00:00Z", 24, 0),
        ("Europe/Berlin", "2026-10-24", "2026-10-23T22:00Z", 24, 0),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00Z", 25, 0),
        ("Europe/Berlin", "2026-10-26", "2026-10-25T23:00Z", 24, 0),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", 23, 0),
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00Z", 23, 0),  # has no midnight
        ("America/Havana", "2026-11-01", "2026-11-01T04:00Z", 25, 0),  # has two
        ("Asia/Kolkata", "2026-11-21", "2026-11-20T18:00Z", 24, 30),
        ("Asia/Kathmandu", "2026-11-21", "2026-11-20T18:00Z", 24, 15),
        ("America/St_Johns", "2026-11-21", "2026-11-21T03:00Z", 24, 30),
    ],
)
def test_a_day_is_its_zones_own_in_full_hours(zone, day, start, hours, early):
    found = day_start(date.fromisoformat(day), ZoneInfo(zone))
    following = day_start(date.fromisoformat(day) + timedelta(days=1), ZoneInfo(zone))

    assert found == datetime.fromisoformat(start)
    assert following - found == timedelta(hours=hours)
    assert minutes_early(date.fromisoformat(day), ZoneInfo(zone)) == early


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00Z", "2026-10-26"),
        ("Asia/Kolkata", "2026-11-20T17:59:59Z", "2026-11-20"),
        ("Asia/Kolkata", "2026-11-20T18:00:00Z", "2026-11-21"),  # 23:30 there
        ("America/Los_Angeles", "2026-11-21T07:59:59Z", "2026-11-20"),
    ],
)
def test_a_moment_is_counted_in_one_day(zone, moment, day):
    assert str(day_of(datetime.fromisoformat(moment), ZoneInfo(zone))) == day


def test_a_month_with_a_change_of_clocks_follows_the_one_before():
    october, november = buckets_between(
        datetime(2026, 10, 15, tzinfo=UTC),
        datetime(2026, 11, 15, tzinfo=UTC),
        bucket="month",
        zone=ZoneInfo("Europe/Berlin"),
    )

    assert october[0] == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert october[1] == november[0] == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert bucket_start(november[0], "month", zone=ZoneInfo("Europe/Berlin")) == november[0]
