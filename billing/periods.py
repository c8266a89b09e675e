"""Hours, days and months as buckets of time. Pure.

Usage is summed by the UTC hour, so every bucket is made of whole UTC hours. Days and months are a
time zone's: a day begins at the full UTC hour at or just before its midnight. In zones that are
whole hours from UTC that is midnight itself, and a day on which clocks change has 23 or 25 hours.
Returned moments are in UTC.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

Bucket = Literal["hour", "day", "month"]

_DAY = timedelta(days=1)
_LONGEST_MONTH = timedelta(days=31)


def day_start(day: date, zone: tzinfo = UTC) -> datetime:
    """Return the start of a zone's day. If clocks skip or repeat midnight, its first moment."""
    return _midnight(day, zone).replace(minute=0)


def day_of(moment: datetime, zone: tzinfo = UTC) -> date:
    """Return the day in which a time is counted."""
    day = moment.astimezone(zone).date()
    following = day + _DAY
    return following if day_start(following, zone) <= moment else day


def minutes_early(day: date, zone: tzinfo) -> int:
    """Return the minutes by which a day begins before midnight; 0 for whole-hour zones."""
    return _midnight(day, zone).minute


def bucket_start(moment: datetime, bucket: Bucket, *, zone: tzinfo = UTC) -> datetime:
    """Return the beginning of the bucket that contains a time."""
    if bucket == "hour":
        return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    day = day_of(moment, zone)
    return day_start(day if bucket == "day" else day.replace(day=1), zone)


def bucket_end(start: datetime, bucket: Bucket, *, zone: tzinfo = UTC) -> datetime:
    """Return the beginning of the next bucket."""
    if bucket == "hour":
        return start + timedelta(hours=1)
    day = day_of(start, zone)
    if bucket == "month":
        return day_start((day + _LONGEST_MONTH).replace(day=1), zone)
    return day_start(day + _DAY, zone)


def buckets_between(
    start: datetime, end: datetime, *, bucket: Bucket, zone: tzinfo = UTC
) -> Iterator[tuple[datetime, datetime]]:
    """Yield each whole bucket that overlaps the time from `start` to before `end`, in order."""
    begin = bucket_start(start, bucket, zone=zone)
    while begin < end:
        finish = bucket_end(begin, bucket, zone=zone)
        yield begin, finish
        begin = finish


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC).replace(second=0, microsecond=0)
