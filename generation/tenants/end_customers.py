"""A tenant's usage by the end customers that its callers name, from the sums of `TaggedDay`."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from generation.models import TaggedDay, TaggedUntil
from pictor.kit.words.ids import TenantId
from pictor.kit.words.money import Micros

_BY_TAG = """
SELECT part, tag, SUM(generations)::bigint, SUM(failed)::bigint, SUM(images)::bigint,
       SUM(captured_micros)::bigint AS captured, (SUM(SUM(captured_micros)) OVER ())::bigint
  FROM generation_taggedday WHERE tenant_id = %s AND day BETWEEN %s AND %s
 GROUP BY part, tag ORDER BY captured DESC, SUM(generations) DESC, part, tag LIMIT %s OFFSET %s
"""


@dataclass(frozen=True, slots=True)
class EndCustomer:
    """The sums of a tag, or of another part of the usage, and of all parts: `of`, in micros."""

    part: str
    tag: str
    generations: int
    failed: int
    images: int
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
    tenant_id: TenantId, *, first: date, last: date, skipped: int, limit: int
) -> list[EndCustomer]:
    """Return the parts of the usage of these UTC days, the largest charge first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_TAG, [tenant_id, first, last, limit, skipped])
        return [EndCustomer(*row) for row in cursor]


def tagged_until() -> datetime | None:
    """Requests that ended before this time are counted; None before the first count."""
    return TaggedUntil.objects.values_list("until", flat=True).first()
