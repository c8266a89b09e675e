"""What a page is about, as its address says it: a span of time, a place.

Days are those of the workspace's time zone; spans are whole UTC hours, as usage is counted.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from billing.periods import (
    Bucket,
    bucket_start,
    buckets_between,
    day_of,
    day_start,
    minutes_early,
)

PERIODS = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}
"""In days; that of one day ends with this hour, the others with today."""
USUAL = "30d"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)
WORDS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to before `end`, divided into buckets of the zone; the one before is as long."""

    name: str
    start: datetime
    end: datetime
    bucket: Bucket
    zone: ZoneInfo

    @property
    def before(self) -> "Period":
        """As many hours or days, just before."""
        if self.bucket == "hour":
            start = self.start - (self.end - self.start)
        else:
            days = self.last - self.first + DAY
            start = day_start(self.first - days, self.zone)
        return Period(self.name, start, self.start, self.bucket, self.zone)

    @property
    def first(self) -> date:
        """The first day that has some of it."""
        return day_of(self.start, self.zone)

    @property
    def last(self) -> date:
        """The last day that has some of it."""
        return day_of(self.end - HOUR, self.zone)

    @property
    def starts(self) -> list[datetime]:
        """Where its buckets begin."""
        between = buckets_between(self.start, self.end, self.bucket, self.zone)
        return [start for start, _ in between]

    def name_of(self, start: datetime) -> date:
        """What the bucket that begins there is called: a day by its date, an hour by its moment."""
        return start if self.bucket == "hour" else day_of(start, self.zone)

    @property
    def note(self) -> str:
        """Where its days begin, if that is not at midnight; else empty."""
        count = (self.last - self.first).days + 1
        early = max(minutes_early(self.first + number * DAY, self.zone) for number in range(count))
        if self.bucket == "hour" or not early:
            return ""
        return (
            f"Usage is counted by full UTC hours, so a day here begins up to {early} minutes before"
            f" midnight in {self.zone.key}."
        )


def number_of(text: str) -> int | None:
    """A place in a list, below 2**63; None for anything else."""
    return int(text) if _NUMBER.fullmatch(text) else None


def period_of(name: str, now: datetime, zone: ZoneInfo) -> Period:
    """The period of that name that ends with this hour, or with today; the usual one for others."""
    name = name if name in PERIODS else USUAL
    days = PERIODS[name] * DAY
    if name == "24h":
        end = bucket_start(now, "hour") + HOUR
        return Period(name, end - days, end, "hour", zone)
    following = day_of(now, zone) + DAY
    start = day_start(following - days, zone)
    return Period(name, start, day_start(following, zone), "day", zone)


def period_of_day(day: date, zone: ZoneInfo) -> Period:
    """One day of the zone."""
    return Period("day", day_start(day, zone), day_start(day + DAY, zone), "day", zone)
