"""Budgets of workspaces and keys that are used to a threshold. Amounts are micros."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
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
    def owner_id(self) -> UUID:
        return (self.key or self.tenant).id

    @property
    def warns_only(self) -> bool:
        return self.key is not None and self.key.budget_warns_only


@dataclass(frozen=True, slots=True)
class BudgetRefusal:
    """A request that a budget of this key or tenant refused on this UTC day: it needed so much."""

    owner_id: UUID
    period: Period
    needed: Micros
    day: date

    @property
    def window(self) -> date:
        return self.day if self.period == "day" else self.day.replace(day=1)


def reached_budgets(now: datetime) -> list[ReachedBudget]:
    """Return the reached budgets of active tenants and their working keys, keys first. Two queries.

    Only the window of the last use counts; one that ended within the last day still does. An unused
    budget of 0 is not reached.
    """
    # The look after midnight still has to find what was reached before it.
    yesterday = now - timedelta(days=1)
    since: dict[Period, date] = {
        "day": window_start("day", yesterday),
        "month": window_start("month", yesterday),
    }
    works = Q(key__expires_at=None) | Q(key__expires_at__gt=now)
    keys = KeyBudget.objects.filter(
        works, _is_near("key", since), key__revoked_at=None, key__tenant__status="active"
    )
    tenants = TenantBalance.objects.filter(_is_near("tenant", since), tenant__status="active")
    return [
        *(
            reached
            for row in keys.select_related("key__tenant").order_by("key_id")
            for reached in _of(row, row.key.tenant, row.key, since)
        ),
        *(
            reached
            for row in tenants.select_related("tenant").order_by("tenant_id")
            for reached in _of(row, row.tenant, None, since)
        ),
    ]


def refusing_budgets(
    reached: Sequence[ReachedBudget], refusals: Iterable[BudgetRefusal]
) -> list[ReachedBudget]:
    """Return those budgets, marking each that is used to 80% and refused what still does not fit.

    Below 80% the request was a large one.
    """
    needed: dict[tuple[UUID, Period, date], int] = {}
    for one in refusals:
        which = (one.owner_id, one.period, one.window)
        needed[which] = max(one.needed, needed.get(which, 0))

    def refuses(one: ReachedBudget) -> bool:
        most = needed.get((one.owner_id, one.period, one.window), 0)
        return one.percent == REFUSES_FROM and not one.warns_only and most > one.most - one.used

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
    windows: list[tuple[Period, date | None, int]] = [
        ("day", row.day, row.day_used_micros),
        ("month", row.month, row.month_used_micros),
    ]
    for period, window, used in windows:
        most = getattr(key or tenant, f"budget_{period}_micros")
        if most is None or window is None or window < since[period] or not used:
            continue
        percent = next((one for one in THRESHOLDS if 100 * used >= one * most), None)
        if percent is not None:
            yield ReachedBudget(tenant, key, period, window, Micros(used), Micros(most), percent)
