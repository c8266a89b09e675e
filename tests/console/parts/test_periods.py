"""Periods by days of a time zone, and the period that each is compared with."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from console.parts.periods import period_of

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


@pytest.mark.parametrize(
    ("zone", "name", "start", "end", "before"),
    [
        (BERLIN, "24h", "2026-10-25T11:00Z", "2026-10-26T11:00Z", "2026-10-24T11:00Z"),
        (BERLIN, "7d", "2026-10-19T22:00Z", "2026-10-26T23:00Z", "2026-10-12T22:00Z"),
        (KOLKATA, "7d", "2026-10-19T18:00Z", "2026-10-26T18:00Z", "2026-10-12T18:00Z"),
    ],
    ids=["hours", "berlin", "kolkata"],
)
def test_a_period_is_whole_days_and_so_is_the_one_before(zone, name, start, end, before):
    period = period_of(name, datetime(2026, 10, 26, 10, 20, tzinfo=UTC), zone)

    assert (period.start, period.end) == tuple(map(datetime.fromisoformat, (start, end)))
    assert period.before.start == datetime.fromisoformat(before)
    assert period.before.end == period.start


@pytest.mark.parametrize(
    ("now", "start", "before"),
    [
        ("2026-10-31T22:00Z", "2026-09-30T22:00Z", ("2026-08-31T22:00Z", "2026-09-30T22:00Z")),
        ("2026-10-31T23:00Z", "2026-10-31T23:00Z", ("2026-09-30T22:00Z", "2026-10-01T22:00Z")),
    ],
    ids=["last-day", "first-day"],
)
def test_a_month_is_held_against_as_many_days_of_the_one_before(now, start, before):
    period = period_of("month", datetime.fromisoformat(now), BERLIN)

    assert period.start == datetime.fromisoformat(start)
    assert (period.before.start, period.before.end) == tuple(map(datetime.fromisoformat, before))


@pytest.mark.parametrize(
    ("name", "now", "end"),
    [
        ("24h", "2026-10-20T10:20Z", "2026-10-19T10:00Z"),
        ("7d", "2026-10-20T10:20Z", "2026-10-13T10:00Z"),
        ("7d", "2026-10-20T00:05Z", "2026-10-13T00:00Z"),
        ("month", "2026-10-01T00:05Z", "2026-09-01T01:00Z"),
    ],
)
def test_a_period_is_held_against_as_much_of_the_one_before(name, now, end):
    """A day so far against a whole one would be a fall each morning."""
    moment = datetime.fromisoformat(now)
    period = period_of(name, moment, ZoneInfo("UTC"))

    earlier = period.before_until(moment)

    assert (earlier.start, earlier.end) == (period.before.start, datetime.fromisoformat(end))
