"""Recount usage from the generations, one day at a time, while others settle.

Ids contain their creation time, so a range of ids finds a day's generations. Few end long after
they were made, and any that do so from now on end in an hour that is still open.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction

from billing.selectors.office.totals import HOUR_OPEN_FOR
from billing.services import recount_usage
from generation.models import Generation
from generation.selectors import ENDED, ended_where
from pictor.kit.database.cursors import first_column, run
from pictor.kit.database.prepared import SqlPart
from pictor.kit.words import ids

RECOUNTED_PERIOD = timedelta(days=1)
HOURS_BEFORE, HOURS_AFTER = 6, 1
"""A generation is late unless its id was made within these hours before its end, or after it by
another clock.
"""
_EPOCH = datetime.fromtimestamp(0, UTC)
_FAR = datetime(9000, 1, 1, tzinfo=UTC)
_LATE = """
SELECT id FROM generation_generation
 WHERE finished_at < %s
   AND to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
       NOT BETWEEN finished_at - make_interval(hours => %s)
               AND finished_at + make_interval(hours => %s)
"""
_OF_DAY = """(g.id >= %s AND g.id < %s OR g.id = ANY(%s))
       AND g.finished_at >= %s AND g.finished_at < %s"""


def recount(*, now: datetime) -> int:
    """Correct every usage row and return the number that were wrong, one transaction per day."""
    open_from = now.replace(minute=0, second=0, microsecond=0) - HOUR_OPEN_FOR
    late = _late(open_from)
    wrong = 0
    for start, end in _days(open_from):
        id_range = [
            ids.first_at(start - timedelta(hours=HOURS_BEFORE)),
            ids.first_at(end + timedelta(hours=HOURS_AFTER)),
        ]
        ended = SqlPart(ended_where(_OF_DAY), [*id_range, late, start, end])
        wrong += recount_usage(ended, start=start, end=end)
    ended = SqlPart(ended_where("g.finished_at >= %s"), [open_from])
    return wrong + recount_usage(ended, start=open_from, end=_FAR)


def recount_at_once() -> None:
    """Recount in one statement, for a new database with little in it."""
    recount_usage(SqlPart(ENDED, ()), start=_EPOCH, end=_FAR)


def _late(until: datetime) -> Sequence[UUID]:
    """Ids of generations ended before `until` and not made shortly before; reads every row once."""
    with transaction.atomic():
        run("SET LOCAL statement_timeout = 0")
        return first_column(_LATE, [until, HOURS_BEFORE, HOURS_AFTER])


def _days(until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield consecutive periods up to `until`, a day each, the first reaching back to 1970."""
    first = Generation.objects.order_by("id").values_list("created_at", flat=True).first()
    start, end = _EPOCH, until
    if first is not None:
        end = min(until, first.replace(minute=0, second=0, microsecond=0) + RECOUNTED_PERIOD)
    while start < until:
        yield start, end
        start, end = end, min(until, end + RECOUNTED_PERIOD)
