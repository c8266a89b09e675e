"""Figures of all tenants for a list: balances, spending and margins. Amounts are micros."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Model, Q, QuerySet, Sum

from accounts.selectors.office.api_keys import key_made_at
from billing.models import TenantBalance, UsageRollup
from billing.selectors.office.balances import NOTHING_USED, Balance, used_of
from billing.selectors.office.hours import is_of_demo
from billing.selectors.office.reports import PACE, days_lasting
from billing.selectors.office.sold import Margin, margins
from pictor.kit.words.money import Micros

SOLD_DAYS = 30
"""UTC days, today included."""
FAILED_STATE = "failed"
_Used = tuple[int, int, int]
"""Generations that ended, those that failed, and the micros spent."""
_NOTHING: _Used = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """One tenant's figures.

    Attributes:
        days_left: days that the balance lasts at last week's pace; None without spending.
        sold: the sales of 30 days; None if nothing was sold.
        ended: the number of generations that ended in the last week.
        failed: the number of those that failed.
    """

    balance: Balance
    days_left: float | None
    sold: Margin | None
    ended: int
    failed: int

    @property
    def failed_percent(self) -> float | None:
        """The percentage of ended generations that failed; None if none ended."""
        return self.failed * 100 / self.ended if self.ended else None


NO_FIGURES = CustomerFigures(
    Balance(Micros(0), Micros(0), 0, NOTHING_USED, Micros(0)), None, None, 0, 0
)


def customer_figures(
    *,
    now: datetime,
    without_channels: "Collection[str] | QuerySet[Model, str]",
    is_demo: bool = False,
    tenants: Collection[UUID] | None = None,
) -> Mapping[UUID, CustomerFigures]:
    """Return figures by tenant, for those with an account. Three queries for any number of them.

    Args:
        now: the end of the week.
        without_channels: their charges are not spending; a query becomes a part of one here.
        is_demo: count generations and sales of the demo data, or of everything else.
        tenants: limits the result to these; None is all.
    """
    balances, usage = TenantBalance.objects.all(), UsageRollup.objects.filter(hour__gte=now - PACE)
    if tenants is not None:
        balances = balances.filter(tenant_id__in=tenants)
        usage = usage.filter(tenant_id__in=tenants)
    used = _recent_usage(usage, without_channels, is_demo=is_demo)
    first = now.date() - timedelta(days=SOLD_DAYS - 1)
    brought = margins(by="tenant", first=first, is_demo=is_demo, tenants=tenants)
    sold = {row.group["tenant_id"]: row for row in brought}
    return {
        row.tenant_id: _figures(
            row, used.get(row.tenant_id, _NOTHING), sold.get(row.tenant_id), now
        )
        for row in balances
    }


def _recent_usage(
    usage: QuerySet[UsageRollup],
    without_channels: "Collection[str] | QuerySet[Model, str]",
    *,
    is_demo: bool,
) -> Mapping[UUID, _Used]:
    week = list(
        usage.values_list("tenant_id", "key_id")
        .order_by("tenant_id", "key_id")
        .annotate(
            ended=Sum("generations"),
            failed=Sum("generations", filter=Q(status=FAILED_STATE), default=0),
            spent=Sum("captured_micros", filter=~Q(channel__in=without_channels), default=0),
            made_at=key_made_at("key_id"),
        )
    )
    used: dict[UUID, _Used] = {}
    for tenant, key, ended, failed, spent, made_at in week:
        is_meant = is_of_demo(key, made_at) == is_demo
        had = used.get(tenant, _NOTHING)
        used[tenant] = (
            had[0] + int(ended) * is_meant, had[1] + int(failed) * is_meant, had[2] + int(spent)
        )  # fmt: skip
    return used


def _figures(
    row: TenantBalance, used: _Used, sold: Margin | None, now: datetime
) -> CustomerFigures:
    available, (ended, failed, spent) = Micros(row.available), used
    balance = Balance(
        available, Micros(row.held), row.in_flight, used_of(row, now), Micros(row.owed)
    )
    return CustomerFigures(balance, days_lasting(available, Micros(spent)), sold, ended, failed)
