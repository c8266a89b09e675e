"""Periods and places in lists, read from a page's query string.

Days are those of a time zone; spans are whole UTC hours, because usage is counted by them.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict

from billing.periods import Bucket, bucket_start, buckets_between, day_of, day_start, minutes_early
from pictor.kit.words import typed

WORDS = {
    "today": "Today",
    "yesterday": "Yesterday",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "month": "This month",
    "last_month": "Last month",
}
"""The named periods; the one of hours ends with this hour, most others with today."""
LENGTHS = {"24h", "7d", "30d", "90d"}
"""Those that are named by their length."""
_DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}
USUAL = "30d"
SPAN = "span"
"""The name of a period that is none of WORDS."""
TO = ".."
"""The separator of the first and the last day or hour in a query string."""
HOUR_FORMAT = "%Y-%m-%dT%HZ"
"""A UTC hour in a query string."""
FIRST_YEAR, LAST_YEAR = 2000, 9000
"""The range of years: ids carry the time they were made at, and none lies outside."""
UTC_ZONE = ZoneInfo("UTC")
"""The time zone of days in the operator's console."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NO_TIME = timedelta(0)
LONGEST_PERIOD = 400 * DAY
"""The longest period between two days or hours."""
MAX_CHARS = 200
_MONTH = re.compile("([12][0-9]{3})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `start` to before `end`, divided into buckets of the zone."""

    name: str
    start: datetime
    end: datetime
    bucket: Bucket
    zone: ZoneInfo

    @property
    def before(self) -> "Period":
        """The equally long period before; for a month, as many days from the month before."""
        if self.bucket == "hour":
            start = self.start - (self.end - self.start)
            return Period(SPAN, start, self.start, self.bucket, self.zone)
        days = self.last - self.first + DAY
        if self.name in {"month", "last_month"}:
            first = (self.first - DAY).replace(day=1)
            is_whole = self.name == "last_month"
            until = self.first if is_whole else min(first + days, self.first)
        else:
            first, until = self.first - days, self.first
        start, end = day_start(first, self.zone), day_start(until, self.zone)
        return Period(SPAN, start, end, self.bucket, self.zone)

    def before_until(self, now: datetime) -> "Period":
        """As many hours of the period before as have passed of this one; at least one."""
        whole = self.before
        end = whole.start + max(1, round((now - self.start) / HOUR)) * HOUR
        return whole if end >= whole.end else Period(SPAN, whole.start, end, "hour", self.zone)

    @property
    def first(self) -> date:
        return day_of(self.start, self.zone)

    @property
    def last(self) -> date:
        return day_of(self.end - HOUR, self.zone)

    @property
    def starts(self) -> list[datetime]:
        between = buckets_between(self.start, self.end, bucket=self.bucket, zone=self.zone)
        return [start for start, _ in between]

    def name_of(self, start: datetime) -> date:
        """The name of the bucket with this start: a day's date, an hour's start."""
        return start if self.bucket == "hour" else day_of(start, self.zone)

    def query(self, name: date | None = None) -> dict[str, str]:
        """The query that lists the generations that ended in the bucket of this name, or in all."""
        if name is None:
            return {"period": self.name if self.name in WORDS else self._span}
        if isinstance(name, datetime):
            return {"period": f"{name.astimezone(UTC):{HOUR_FORMAT}}"}
        return {"day": name.isoformat()}

    @property
    def _span(self) -> str:
        """The first and last day or hour, for a query string."""
        if self.bucket == "day":
            return f"{self.first}{TO}{self.last}"
        hours = (self.start, self.end - HOUR)
        return TO.join(f"{hour.astimezone(UTC):{HOUR_FORMAT}}" for hour in hours)

    @property
    def note(self) -> str:
        """A note that its days begin before midnight; empty if they do not."""
        count = (self.last - self.first).days + 1
        early = max(minutes_early(self.first + number * DAY, self.zone) for number in range(count))
        if self.bucket == "hour" or not early:
            return ""
        return (
            f"Usage is counted in full UTC hours, so a day here begins up to {early} minutes"
            f" before midnight in {self.zone.key}."
        )


def number_of(text: str) -> int | None:
    """A place in a list, below 2**63; None for anything else."""
    with suppress(ValueError):
        return typed.number(text, most=typed.LARGEST_ID)
    return None


def month_of(text: str) -> date | None:
    """The first day of a month written as '2026-10'; None for anything else."""
    match = _MONTH.fullmatch(text)
    return date(int(match[1]), int(match[2]), 1) if match else None


def period_of(name: str, now: datetime, zone: ZoneInfo) -> Period:
    """The period of this name, ending with this hour or today; the usual one if unknown."""
    name = name if name in WORDS else USUAL
    if name == "24h":
        end = bucket_start(now, "hour") + HOUR
        return Period(name, end - DAY, end, "hour", zone)
    today = day_of(now, zone)
    first, following = today.replace(day=1), today + DAY
    if name == "yesterday":
        first, following = today - DAY, today
    elif name == "last_month":
        first, following = (first - DAY).replace(day=1), first
    elif name != "month":
        first = following - _DAYS[name] * DAY
    return Period(name, day_start(first, zone), day_start(following, zone), "day", zone)


def period_in(word: str, zone: ZoneInfo) -> Period | None:
    """A day, an hour, or a range (`2026-11-01..2026-11-20`); None for anything else."""
    first, to, last = word.partition(TO)
    kinds: tuple[tuple[_Read, Bucket], ...] = ((_days, "day"), (_hours, "hour"))
    for read, bucket in kinds:
        start, end = read(first, zone), read(last if to else first, zone)
        # A span of days may have 25 hours on one of them.
        slack = HOUR if bucket == "day" else NO_TIME
        if start and end and start[0] < end[1] <= start[0] + LONGEST_PERIOD + slack:
            return Period(SPAN, start[0], end[1], bucket, zone)
    return None


def typed_period(query: QueryDict) -> str:
    """Return the named period, the day, or the two days typed as `first` and `last`."""
    first, last, named = (
        query.get(name, "").replace("\0", "").strip()[:MAX_CHARS]
        for name in ("first", "last", "period")
    )
    if not first and not last:
        return named
    first, last = first or last, last or first
    return first if first == last else f"{first}{TO}{last}"


def why_no_days(word: str) -> str:
    """Return the reason why these words are no period of days, in a sentence."""
    for part in word.split(TO, 1):
        period = period_in(part, UTC_ZONE)
        if period is None or period.bucket != "day" or TO in part:
            return f"“{part[:40]}” is not a day, such as 2026-11-01."
    first, _, last = word.partition(TO)
    if last < first:
        return f"The first day, {first}, is after the last, {last}."
    return f"At most {LONGEST_PERIOD.days} days are summed at once."


_Read = Callable[[str, ZoneInfo], tuple[datetime, datetime] | None]


def _days(word: str, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    try:
        day = typed.day(word)
    except ValueError:
        return None
    is_known = FIRST_YEAR <= day.year < LAST_YEAR
    return (day_start(day, zone), day_start(day + DAY, zone)) if is_known else None


def _hours(word: str, _zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    try:
        hour = datetime.strptime(word, HOUR_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return (hour, hour + HOUR) if FIRST_YEAR <= hour.year < LAST_YEAR else None
