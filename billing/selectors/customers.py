"""What tenants have, spend and leave, for a list of all of them. Amounts are micros."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Model, Q, QuerySet, Sum

from billing.models import TenantBalance, UsageRollup
from billing.selectors.balances import NOTHING_USED, Balance, used_of
from billing.selectors.reports import PACE, days_lasting
from billing.selectors.sold import Margin, margins
from pictor.kit.money import Micros

SOLD_DAYS = 30
"""UTC days, today too."""
FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """One tenant's.

    Attributes:
        days_left: how long the balance lasts at the last week's pace; None without any.
        sold: of 30 days; None where nothing was sold.
        ended: generations of the last week.
        failed: those of them that failed.
    """

    balance: Balance
    days_left: float | None
    sold: Margin | None
    ended: int
    failed: int

    @property
    def failed_percent(self) -> float | None:
        """Of what ended; None where nothing did."""
        return self.failed * 100 / self.ended if self.ended else None


NOTHING = CustomerFigures(Balance(Micros(0), Micros(0), 0, NOTHING_USED), None, None, 0, 0)


def customer_figures(
    *,
    now: datetime,
    without_channels: "Collection[str] | QuerySet[Model, str]",
    is_demo: bool = False,
    tenants: Collection[UUID] | None = None,
) -> Mapping[UUID, CustomerFigures]:
    """By tenant; who never had anything is not in it. Three queries, however many there are.

    Args:
        now: where weeks end.
        without_channels: what these delivered is no spending; a query becomes part of one here.
        is_demo: whether what was sold is that of the demo data alone.
        tenants: those alone; None is all.
    """
    balances, usage = TenantBalance.objects.all(), UsageRollup.objects.filter(hour__gte=now - PACE)
    if tenants is not None:
        balances = balances.filter(tenant_id__in=tenants)
        usage = usage.filter(tenant_id__in=tenants)
    week = (
        usage.values_list("tenant_id")
        .order_by("tenant_id")
        .annotate(
            ended=Sum("generations"),
            failed=Sum("generations", filter=Q(status=FAILED), default=0),
            spent=Sum("captured_micros", filter=~Q(channel__in=without_channels), default=0),
        )
    )
    used = {tenant: (int(ended), int(failed), int(spent)) for tenant, ended, failed, spent in week}
    first = now.date() - timedelta(days=SOLD_DAYS - 1)
    brought = margins(by="tenant", first=first, is_demo=is_demo, tenants=tenants)
    sold = {row.group["tenant_id"]: row for row in brought}
    return {
        row.tenant_id: _figures(
            row, used.get(row.tenant_id, (0, 0, 0)), sold.get(row.tenant_id), now
        )
        for row in balances
    }


def _figures(
    row: TenantBalance, used: tuple[int, int, int], sold: Margin | None, now: datetime
) -> CustomerFigures:
    available, (ended, failed, spent) = Micros(row.available), used
    balance = Balance(available, Micros(row.held), row.in_flight, used_of(row, now))
    return CustomerFigures(balance, days_lasting(available, Micros(spent)), sold, ended, failed)
