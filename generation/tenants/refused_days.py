"""The number of a workspace's refused requests by UTC day, as far as rows are kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from generation.models.refusals import MAX_PER_DAY
from pictor.kit.database.cursors import all_rows
from pictor.kit.words import ids
from pictor.kit.words.ids import TenantId

DAYS = 7
"""Whole days, today included: rows are kept for 7 times 24 hours."""
_BY_DAY = """
    SELECT index, number, place, oldest.id
      FROM (SELECT id FROM generation_refusedrequest ORDER BY id LIMIT 1) AS oldest
      LEFT JOIN (
        SELECT width_bucket(id, %(starts)s::uuid[]) - 1 AS index,
               COUNT(*) FILTER (WHERE status >= 400
                                      AND key_id = ANY(%(tests)s::uuid[]) IS NOT TRUE) AS number,
               MAX(place) AS place
          FROM generation_refusedrequest
         WHERE caller = %(caller)s AND day >= %(first)s
         GROUP BY 1
    ) AS counted ON true
"""


@dataclass(frozen=True, slots=True)
class RefusedDay:
    """A UTC day; `number` is None if nothing about it is known, and a least one if `is_least`."""

    day: date
    number: int | None
    is_least: bool

    @property
    def words(self) -> str:
        """'12' or 'at least 12'; "" if nothing is known."""
        if self.number is None:
            return ""
        return f"at least {self.number:,}" if self.is_least else f"{self.number:,}"


def refused_by_day(
    tenant_id: TenantId, *, tests: Collection[UUID], now: datetime
) -> list[RefusedDay]:
    """The live refusals of today and the six days before, oldest first. One query.

    `tests` are the tenant's test keys, whose refusals do not count. A crash of the database empties
    the table, and a full one loses its oldest rows, without a trace. So all that is known to be
    complete are the days after that of the oldest row of anyone. On its own day there may have been
    more; about days before it nothing is known. A day on which the tenant has as many rows as are
    kept of one caller is a least number, too. Bursts that were not written down do not count.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - timedelta(days=days) for days in reversed(range(DAYS))]
    given: dict[str, Any] = {"caller": tenant_id, "tests": [*tests], "first": starts[0].date()}
    rows = all_rows(_BY_DAY, {**given, "starts": [ids.first_at(start) for start in starts]})
    counted = {index: (number, place) for index, number, place, _ in rows}
    known_from = ids.made_at(rows[0][3]).date() if rows else date.max
    days = []
    for index, day in enumerate(start.date() for start in starts):
        number, place = counted.get(index, (0, 0))
        is_part = day == known_from
        is_known = day > known_from or (is_part and number)
        is_least = is_part or place >= MAX_PER_DAY
        days.append(RefusedDay(day, number if is_known else None, is_least))
    return days
