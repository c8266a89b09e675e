"""Buckets of time: whole, in order, without a gap, over leap days and ends of years."""

from datetime import UTC, datetime, timedelta

import pytest

from billing.periods import buckets_between

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

    found = list(buckets_between(MOMENT, end, bucket))

    assert len(found) == count
    assert found[0][0] == first
    assert [start for start, _ in found[1:]] == [finish for _, finish in found[:-1]]
    assert found[-1][0] < end <= found[-1][1]


def test_a_leap_february_has_29_days():
    (february,) = buckets_between(
        datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC), "month"
    )

    assert february[1] - february[0] == timedelta(days=29)


def test_before_its_start_there_is_no_time():
    assert list(buckets_between(MOMENT, MOMENT - timedelta(hours=1), "hour")) == []
