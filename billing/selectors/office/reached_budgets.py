"""Budgets of workspaces and keys that are used to a threshold. Amounts are micros."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import TypeAlias, get_args
from uuid import UUID

from django.db.models import F, Q

from accounts.models import ApiKey, Tenant
from accounts.quotas import Period, window_start
from billing.models import KeyBudget, TenantBalance
from pictor.kit.words.money import Micros

THRESHOLDS = (100, 80, 50)
"""Percentages of a budget, the highest first."""
REFUSES_FROM = 80
"""The percentage from which on a budget that refuses a request counts as used up."""


BudgetOf: TypeAlias = tuple[UUID, Period, date]
"""The key or tenant of a budget, and its day or month with the first UTC day of it."""


@dataclass(frozen=True, slots=True)
class ReachedBudget:
    """A budget of a key, or of the workspace (`key` is None), and its highest reached threshold.

    `window` is the first UTC day of the budget's day or month; `most` is the budget. If it
    `has_refused` a request, `percent` is 100.
    """

    tenant: Tenant
    key: ApiKey | None
    period: Period
    window: date
    used: Micros
    most: Micros
    percent: int
    has_refused: bool = False

    @property
    def of(self) -> BudgetOf:
        return (self.key or self.tenant).id, self.period, self.window

    @property
    def warns_only(self) -> bool:
        return self.key is not None and self.key.budget_warns_only


def reached_budgets(now: datetime) -> list[ReachedBudget]:
    """Return the reached budgets of active tenants and their working keys, keys first. Two queries.

    Only the window of the last use counts; one that ended within the last day still does. An unused
    budget of 0 is not reached.
    """
    # The look after midnight still has to find what was reached before it.
    yesterday = now - timedelta(days=1)
    since: dict[Period, date] = {
        period: window_start(period, yesterday) for period in get_args(Period)
    }
    works = Q(key__expires_at=None) | Q(key__expires_at__gt=now)
    keys = KeyBudget.objects.filter(
        works, _is_near("key", since), key__revoked_at=None, key__tenant__status="active"
    )
    tenants = TenantBalance.objects.filter(_is_near("tenant", since), tenant__status="active")
    of_keys = keys.select_related("key__tenant").order_by("key_id")
    of_tenants = tenants.select_related("tenant").order_by("tenant_id")
    return [
        *chain.from_iterable(_of(row, row.key.tenant, row.key, since) for row in of_keys),
        *chain.from_iterable(_of(row, row.tenant, None, since) for row in of_tenants),
    ]


def refusing_budgets(
    reached: Sequence[ReachedBudget], refused: Mapping[BudgetOf, Micros]
) -> list[ReachedBudget]:
    """Return those budgets, marking each that is used to 80% and refused what still does not fit.

    `refused` is the most that a refused request needed. Below 80% the request was a large one.
    """

    def refuses(one: ReachedBudget) -> bool:
        needed = refused.get(one.of, 0)
        return one.percent == REFUSES_FROM and not one.warns_only and needed > one.most - one.used

    return [replace(one, percent=100, has_refused=True) if refuses(one) else one for one in reached]


def _is_near(owner: str, since: Mapping[Period, date]) -> Q:
    """True for rows with a budget that may be reached."""
    near = Q()
    for period, window in since.items():
        half = F(f"{owner}__budget_{period}_micros") / 2
        used = f"{period}_used_micros"
        near |= Q((f"{period}__gte", window), (f"{used}__gt", 0), (f"{used}__gte", half))
    return near


def _of(
    row: KeyBudget | TenantBalance, tenant: Tenant, key: ApiKey | None, since: Mapping[Period, date]
) -> Iterator[ReachedBudget]:
    for period, earliest in since.items():
        window, used = getattr(row, period), getattr(row, f"{period}_used_micros")
        most = getattr(key or tenant, f"budget_{period}_micros")
        if most is None or window is None or window < earliest or not used:
            continue
        percent = next((one for one in THRESHOLDS if 100 * used >= one * most), None)
        if percent is not None:
            yield ReachedBudget(tenant, key, period, window, Micros(used), Micros(most), percent)
