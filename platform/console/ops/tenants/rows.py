"""A tenant with its figures and flags, as shown in the list and on its page."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings

from accounts.models import Tenant
from billing.selectors.office.customers import CustomerFigures
from console.ops.access import or_404
from generation.oversight.tenant_page import tenant_and_stop

LOW_DAYS = 3
"""Days of runway below which a balance is low, as in the condition."""
NEAR_SHARE = 0.8
"""The share of a limit from which it counts as near."""
MANY_FAILED = 10
"""Percentage of failures in a week that is flagged."""
LEAST_ENDED = 10
"""Number of ended generations below which failures are not flagged."""

Badge = tuple[str, str]
"""A state of `c-badge`, and a word."""


@dataclass(frozen=True, slots=True)
class Limit:
    words: str
    used: int
    most: int
    is_money: bool = False

    @property
    def share(self) -> float:
        """The used share, from 0."""
        return self.used / self.most if self.most else 1.0

    @property
    def is_near(self) -> bool:
        return self.share >= NEAR_SHARE


@dataclass(frozen=True)
class TenantRow:
    tenant: Tenant
    figures: CustomerFigures
    now: datetime
    is_stopped: bool = False
    """True if the stop switch is on for the tenant."""

    @property
    def is_low(self) -> bool:
        """True if the tenant is active and its balance lasts for less than three days."""
        days = self.figures.days_left
        return self.is_active and days is not None and days < LOW_DAYS

    @property
    def is_active(self) -> bool:
        return self.tenant.status == Tenant.Status.ACTIVE

    @cached_property
    def limits(self) -> list[Limit]:
        """The limits that the tenant has, the fullest first."""
        tenant, balance = self.tenant, self.figures.balance
        known = (
            ("requests at once", balance.in_flight, tenant.max_in_flight, False),
            ("budget of this month", balance.used.month, tenant.budget_month_micros, True),
            ("budget of today", balance.used.day, tenant.budget_day_micros, True),
            ("storage", tenant.stored_bytes, settings.STORED_BYTES_PER_TENANT, False),
        )
        near = [Limit(words, used, most, money) for words, used, most, money in known if most]
        return sorted(near, key=lambda limit: -limit.share)

    @property
    def fullest(self) -> Limit | None:
        return self.limits[0] if self.limits else None

    @property
    def is_near_limit(self) -> bool:
        return self.fullest is not None and self.fullest.is_near

    @cached_property
    def flags(self) -> list[Badge]:
        """The troubles of the tenant as badges, the worst first."""
        tenant = self.tenant
        many = (self.figures.failed_percent or 0) >= MANY_FAILED
        is_told = self.figures.ended >= LEAST_ENDED
        known = (
            (tenant.erasure_due_at is not None, ("bad", "Being erased")),
            (tenant.name == tenant.nameless, ("idle", "Erased")),
            (not self.is_active and not tenant.has_ended, ("bad", "Suspended")),
            (self.is_stopped, ("bad", "Stopped")),
            (self.is_active and self.figures.balance.available <= 0, ("bad", "No balance")),
            (self.is_low, ("warn", "Low runway")),
            (tenant.storage_full_at is not None, ("bad", "Storage full")),
            (
                tenant.uncharged_until is not None and tenant.uncharged_until > self.now,
                ("warn", "Stopped for today"),
            ),
            (self.is_near_limit, ("warn", "Near a limit")),
            (many and is_told, ("warn", "Many failures")),
        )
        return [badge for is_so, badge in known if is_so]

    @property
    def risk(self) -> tuple[int, float, str]:
        """The sort key of the list, the worst first.

        Active tenants in trouble come before suspended ones, which an operator has seen to.
        """
        days = self.figures.days_left
        lasting = float("inf") if days is None else days
        place = len(self.flags) and (1 if self.is_active else 2)
        return (place or 3, lasting, self.tenant.name.casefold())


def row_of(tenant: Tenant, figures: CustomerFigures, now: datetime) -> TenantRow:
    is_stopped: bool = tenant.is_stopped  # type: ignore[attr-defined]  # annotated by selectors
    return TenantRow(tenant, figures, now, is_stopped)


def tenant_of(public_id: str) -> Tenant:
    """Return the tenant with that id and whether it is stopped. Raises Http404."""
    return or_404(tenant_and_stop(public_id))
