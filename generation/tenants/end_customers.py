"""A tenant's usage by the end customers that its callers name, from the sums of `TaggedDay`."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from django.db.models import Q, Subquery, Sum

from generation.models import TaggedDay, TaggedUntil
from pictor.kit.words.ids import TenantId
from pictor.kit.words.money import Micros

Days: TypeAlias = tuple[date, date]
"""The first and the last of some UTC days."""


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
    is_now, was_before = Q(day__range=days), Q(day__range=before)
    of_tenant = TaggedDay.objects.filter(tenant_id=tenant_id)
    asked = of_tenant.filter(is_now | was_before).values_list("part", "tag")

    def total(column: str, when: Q = is_now) -> Sum:
        return Sum(column, filter=when, default=0)

    all_now = of_tenant.filter(is_now).values("tenant_id").annotate(sum=Sum("captured_micros"))
    sums = asked.annotate(captured=total("captured_micros"), of=Subquery(all_now.values("sum")))
    largest = list(sums.order_by("-captured", "part", "tag")[skipped : skipped + limit])
    # All figures of all tags would take three times as long: their groups exceed the work memory.
    summed = asked.filter(tag__in=[tag for _, tag, *_ in largest]).annotate(
        requests=total("generations"),
        failures=total("failed"),
        made=total("images"),
        charged_before=total("captured_micros", was_before),
    )
    figures = {(part, tag): tuple(sums) for part, tag, *sums in summed}
    found: list[EndCustomer] = []
    for part, tag, captured, of_all in largest:
        # Without figures it was erased meanwhile; a page that lost a row would seem the last one.
        requests, failed, images, charge_before = figures.get((part, tag), (0, 0, 0, Micros(0)))
        of = Micros(of_all or 0)
        found.append(EndCustomer(part, tag, requests, failed, images, charge_before, captured, of))
    return found


def tagged_until() -> datetime | None:
    """Requests that ended before this time are counted; None before the first count."""
    return TaggedUntil.objects.values_list("until", flat=True).first()
