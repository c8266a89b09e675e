"""What a page is about, as its address says it: a span of time in whole hours (UTC), a place."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.periods import Bucket, bucket_start

PERIODS = {
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
USUAL = "30d"
_NUMBER = re.compile("[0-9]{1,18}", re.ASCII)
WORDS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to before `end`, divided into buckets; the one before is as long."""

    name: str
    start: datetime
    end: datetime
    bucket: Bucket

    @property
    def before(self) -> "Period":
        """The same span, just before."""
        return Period(self.name, self.start - (self.end - self.start), self.start, self.bucket)

    @property
    def words(self) -> str:
        """'30 days'."""
        return WORDS[self.name]


def number_of(text: str) -> int | None:
    """A place in a list, below 2**63; None for anything else."""
    return int(text) if _NUMBER.fullmatch(text) else None


def period_of(name: str, now: datetime) -> Period:
    """The period of that name that ends with this hour, or with today; the usual one for others."""
    name = name if name in PERIODS else USUAL
    bucket: Bucket = "hour" if name == "24h" else "day"
    step = timedelta(hours=1) if bucket == "hour" else timedelta(days=1)
    end = bucket_start(now, bucket) + step
    return Period(name, end - PERIODS[name], end, bucket)
