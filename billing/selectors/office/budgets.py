"""Budgets and their use, the state of keys, and the reasons a tenant's requests are refused."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from accounts.models import ApiKey, Tenant
from accounts.quotas import Period
from billing.models import KeyBudget
from billing.selectors.office.balances import NOTHING_USED, Balance, BudgetUse, key_uses, used_of

NEAR_SHARE = 0.8
"""The share of a budget from which it counts as nearly used up."""
UNUSED_DAYS = 30
"""A key without an image for this long counts as unused."""
_RECENT = timedelta(hours=2)
"""Two hours, because use is recorded by the hour."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget of a key, or of the workspace (`key` is None), for this UTC `window`, in micros."""

    key: ApiKey | None
    used: int
    most: int
    window: Period

    @property
    def share(self) -> float:
        """The used share; 1 for a budget of 0."""
        return self.used / self.most if self.most else 1

    @property
    def is_near(self) -> bool:
        """True if the budget is nearly used up or beyond; a warn-only budget needs some use."""
        return self.share >= NEAR_SHARE and (self.used > 0 or not self.warns_only)

    @property
    def warns_only(self) -> bool:
        """True if requests pass beyond the budget; the workspace's own budgets always stop them."""
        return self.key is not None and self.key.budget_warns_only

    @property
    def is_passed(self) -> bool:
        """True if a warn-only budget is exceeded."""
        return self.warns_only and self.used > self.most


class KeyState(StrEnum):
    """The state of a key; where several apply, the one `KeyInUse.state` checks first."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    UNOPENED = "unopened"
    ROTATING = "rotating"
    USED_UP = "budget used up"
    PASSED = "over budget"
    NEAR = "near budget"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class KeyInUse:
    """A key at `now`, its use by its budgets, and the hour of its last use within UNUSED_DAYS."""

    key: ApiKey
    use: BudgetUse
    used_at: datetime | None
    now: datetime

    @property
    def state(self) -> KeyState:
        if not self.is_active:
            return KeyState(self.key.status(self.now))
        if self.is_rotating:
            return KeyState.ROTATING
        if any(budget.share >= 1 and not budget.warns_only for budget in self.budgets):
            return KeyState.USED_UP
        if self.passed:
            return KeyState.PASSED
        return KeyState.NEAR if self.is_near else KeyState.ACTIVE

    @property
    def is_used_this_hour(self) -> bool:
        return self.used_at is not None and self.now - self.used_at < timedelta(hours=1)

    @property
    def is_active(self) -> bool:
        """True if the key is neither unopened nor ended."""
        return self.key.status(self.now) == "active"

    @property
    def is_rotating(self) -> bool:
        until = self.key.previous_until
        return until is not None and until > self.now

    @property
    def budgets(self) -> list[Budget]:
        """The key's budgets, the month's first."""
        return _set(self.key, self.key, self.use)

    @property
    def passed(self) -> list[Budget]:
        """An active key's exceeded warn-only budgets."""
        return [budget for budget in self.budgets if budget.is_passed] if self.is_active else []

    @property
    def is_near(self) -> bool:
        """True if any of its budgets is nearly or wholly used up."""
        return any(budget.is_near for budget in self.budgets)

    @property
    def is_unused(self) -> bool:
        """True if an active live key that may make images has not been used to make any.

        It is older than UNUSED_DAYS and made none in them.
        """
        makes_images = "images:write" in self.key.scopes and not self.key.is_test
        is_old = self.key.created_at < self.now - timedelta(days=UNUSED_DAYS)
        return self.is_active and is_old and self.used_at is None and makes_images

    @property
    def asks_for_name(self) -> bool:
        """True if the key was used in the last two hours; revoking it then asks for its name."""
        return self.used_at is not None and self.now - self.used_at < _RECENT


class StoppedBy(StrEnum):
    """A reason to refuse a tenant's new requests."""

    SUSPENDED = "suspended"
    OWED = "owed"
    NO_BALANCE = "no balance"
    NO_STORAGE = "no storage"
    MONTH = "month"
    DAY = "day"


def what_stops(tenant: Tenant, balance: Balance) -> StoppedBy | None:
    """Return the first reason to refuse requests now; a budget is named by its window."""
    if tenant.status != Tenant.Status.ACTIVE:
        return StoppedBy.SUSPENDED
    if balance.owed:
        return StoppedBy.OWED
    if not balance.available:
        return StoppedBy.NO_BALANCE
    if tenant.storage_full_at is not None:
        return StoppedBy.NO_STORAGE
    used_up = (
        budget.window for budget in _set(None, tenant, balance.used) if budget.used >= budget.most
    )
    return next(map(StoppedBy, used_up), None)


def budgets_of(
    tenant: Tenant, keys: Sequence[ApiKey], *, used: BudgetUse, now: datetime
) -> list[Budget]:
    """Return the tenant's budgets, then those of its working live keys, the most used first."""
    uses = key_uses(tenant.id, now)
    of_keys = _of_keys([(key, uses.get(key.id, NOTHING_USED)) for key in keys], now)
    return [*_set(None, tenant, used), *sorted(of_keys, key=lambda budget: -budget.share)]


def budgets_in_use(tenant: Tenant, *, used: BudgetUse, now: datetime) -> list[Budget]:
    """Return the tenant's budgets, then those of its working live keys that were ever used.

    One query, of the keys too.
    """
    rows = KeyBudget.objects.filter(key__tenant=tenant).select_related("key")
    of_keys = _of_keys([(row.key, used_of(row, now)) for row in rows.order_by("key_id")], now)
    return [*_set(None, tenant, used), *of_keys]


def _of_keys(used: Iterable[tuple[ApiKey, BudgetUse]], now: datetime) -> list[Budget]:
    """The budgets of the working live keys among these."""
    working = [(key, use) for key, use in used if key.status(now) == "active" and not key.is_test]
    return [budget for key, use in working for budget in _set(key, key, use)]


def _set(key: ApiKey | None, owner: Tenant | ApiKey, use: BudgetUse) -> list[Budget]:
    windows: tuple[tuple[int, int | None, Period], ...] = (
        (use.month, owner.budget_month_micros, "month"),
        (use.day, owner.budget_day_micros, "day"),
    )
    return [Budget(key, used, most, window) for used, most, window in windows if most is not None]
