"""A tenant's usage by the end customers that its callers name, from the sums of `TaggedDay`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from django.db import connection

from generation.models import TaggedDay, TaggedUntil
from pictor.kit.words.ids import TenantId
from pictor.kit.words.money import Micros

Days: TypeAlias = tuple[date, date]
"""The first and the last of some UTC days."""
_ASKED = """
  FROM (SELECT *, day BETWEEN %(first)s AND %(last)s AS is_now FROM generation_taggedday
         WHERE tenant_id = %(tenant)s AND (day BETWEEN %(first)s AND %(last)s
                                           OR day BETWEEN %(first_before)s AND %(last_before)s)
       ) AS asked
"""
_LARGEST = f"""
SELECT part, tag, COALESCE(SUM(captured_micros) FILTER (WHERE is_now), 0)::bigint AS captured,
       (SELECT COALESCE(SUM(captured_micros), 0) {_ASKED} WHERE is_now)::bigint
       {_ASKED}
 GROUP BY part, tag ORDER BY captured DESC, part, tag LIMIT %(limit)s OFFSET %(skipped)s
"""
# All figures of all tags would take three times as long: their groups exceed the work memory.
_FIGURES = f"""
SELECT part, tag, COALESCE(SUM(generations) FILTER (WHERE is_now), 0)::bigint,
       COALESCE(SUM(failed) FILTER (WHERE is_now), 0)::bigint,
       COALESCE(SUM(images) FILTER (WHERE is_now), 0)::bigint,
       COALESCE(SUM(captured_micros) FILTER (WHERE NOT is_now), 0)::bigint
       {_ASKED}
 WHERE tag = ANY(%(tags)s) GROUP BY part, tag
"""


@dataclass(frozen=True, slots=True)
class EndCustomer:
    """The sums of a tag, or of another part of the usage.

    In micros, `before` is the charge of the days before, `of` that of all parts.
    """

    part: str
    tag: str
    generations: int
    failed: int
    images: int
    before: Micros
    captured: Micros
    of: Micros

    @property
    def name(self) -> str:
        """The tag, or the words for the part."""
        return self.tag or str(TaggedDay.Part(self.part).label)

    @property
    def share(self) -> float:
        """The percentage of the charges."""
        return 100 * self.captured / self.of if self.of else 0.0


def end_customers(
    tenant_id: TenantId, days: Days, *, before: Days, skipped: int, limit: int
) -> list[EndCustomer]:
    """Return the parts of the usage of these days or of those before, the largest charge first.

    Two queries.
    """
    given: dict[str, Any] = {"tenant": tenant_id, "skipped": skipped, "limit": limit}
    given |= {"first": days[0], "last": days[1]}
    given |= {"first_before": before[0], "last_before": before[1]}
    with connection.cursor() as cursor:
        cursor.execute(_LARGEST, given)
        largest = cursor.fetchall()
        cursor.execute(_FIGURES, {**given, "tags": [tag for _, tag, *_ in largest]})
        figures = {(part, tag): tuple(sums) for part, tag, *sums in cursor}
    found: list[EndCustomer] = []
    for part, tag, captured, of in largest:
        # Without figures it was erased meanwhile; a page that lost a row would seem the last one.
        requests, failed, images, charge_before = figures.get((part, tag), (0, 0, 0, Micros(0)))
        found.append(EndCustomer(part, tag, requests, failed, images, charge_before, captured, of))
    return found


def tagged_until() -> datetime | None:
    """Requests that ended before this time are counted; None before the first count."""
    return TaggedUntil.objects.values_list("until", flat=True).first()
