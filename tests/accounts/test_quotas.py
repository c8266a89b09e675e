"""Budget windows."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from accounts.quotas import resets_at, window_start


@pytest.mark.parametrize(
    ("period", "now", "start", "end"),
    [
        ("day", datetime(2026, 11, 20, 23, 59, tzinfo=UTC), date(2026, 11, 20), date(2026, 11, 21)),
        ("month", datetime(2026, 11, 20, tzinfo=UTC), date(2026, 11, 1), date(2026, 12, 1)),
        ("month", datetime(2026, 12, 31, tzinfo=UTC), date(2026, 12, 1), date(2027, 1, 1)),
        ("month", datetime(2028, 2, 29, tzinfo=UTC), date(2028, 2, 1), date(2028, 3, 1)),
    ],
)
def test_a_window_begins_and_ends_with_the_calendar(period, now, start, end):
    assert window_start(period, now) == start
    assert resets_at(period, now) == datetime.combine(end, time(), tzinfo=UTC)


def test_windows_are_utc_whatever_the_clock_says():
    tokyo = timezone(timedelta(hours=9))

    assert window_start("day", datetime(2026, 11, 21, 8, tzinfo=tokyo)) == date(2026, 11, 20)
