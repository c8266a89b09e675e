"""Hours, days and months as buckets of time, in UTC. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

Bucket = Literal["hour", "day", "month"]

_LONGEST_MONTH = timedelta(days=31)


def bucket_start(moment: datetime, bucket: Bucket) -> datetime:
    """The beginning of the bucket that a moment lies in."""
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if bucket == "hour":
        return hour
    day = hour.replace(hour=0)
    return day if bucket == "day" else day.replace(day=1)


def bucket_end(start: datetime, bucket: Bucket) -> datetime:
    """The beginning of the next bucket."""
    if bucket == "month":
        return (start + _LONGEST_MONTH).replace(day=1)
    return start + (timedelta(hours=1) if bucket == "hour" else timedelta(days=1))


def buckets_between(
    start: datetime, end: datetime, bucket: Bucket
) -> Iterator[tuple[datetime, datetime]]:
    """Each whole bucket that has some of the time from `start` to before `end`, in order."""
    begin = bucket_start(start, bucket)
    while begin < end:
        finish = bucket_end(begin, bucket)
        yield begin, finish
        begin = finish
