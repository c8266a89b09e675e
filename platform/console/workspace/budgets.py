"""The budgets that are set, and how much of each is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import ApiKey, Tenant
from billing.selectors import NOTHING_USED, BudgetUse, key_uses
from console.workspace.access import Workspace

NEAR = 0.8
"""The share of a budget from which it is said to be near."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One of a key, or of the workspace, in this UTC `window`; amounts are micros."""

    key: ApiKey | None
    used: int
    most: int
    window: str

    @property
    def share(self) -> float:
        """How much of it is used; of a budget of nothing, all."""
        return self.used / self.most if self.most else 1

    @property
    def is_near(self) -> bool:
        """Whether it will soon stop something or warn, or does."""
        return self.share >= NEAR and (self.used > 0 or not self.warns_only)

    @property
    def warns_only(self) -> bool:
        """Whether requests pass beyond it. The workspace's own always stop."""
        return self.key is not None and self.key.budget_warns_only

    @property
    def is_passed(self) -> bool:
        """Whether more is used than it is of, and nothing was stopped."""
        return self.warns_only and self.used > self.most


def budgets_of(workspace: Workspace, keys: Sequence[ApiKey], now: datetime) -> list[Budget]:
    """The workspace's, then those of keys that work, the most used first."""
    uses = key_uses(workspace.tenant.id, now)
    of_keys = [
        budget
        for key in keys
        if key.status(now) == "active" and not key.is_test
        for budget in budgets_of_key(key, uses.get(key.id, NOTHING_USED))
    ]
    own = _set(None, workspace.tenant, workspace.balance.used)
    return [*own, *sorted(of_keys, key=lambda budget: -budget.share)]


def budgets_of_key(key: ApiKey, use: BudgetUse) -> list[Budget]:
    """Those that are set for it, the month's first."""
    return _set(key, key, use)


def _set(key: ApiKey | None, owner: Tenant | ApiKey, use: BudgetUse) -> list[Budget]:
    windows = (
        (use.month, owner.budget_month_micros, "month"),
        (use.day, owner.budget_day_micros, "day"),
    )
    return [Budget(key, used, most, window) for used, most, window in windows if most is not None]
