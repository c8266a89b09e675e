"""A tenant with its figures, and what is wrong with it, as the list and its page show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404

from accounts.models import Tenant
from billing.selectors import CustomerFigures
from billing.selectors.customers import NOTHING
from generation.models import Channel, Serves, Stop
from pictor.kit.words import ids

LOW_DAYS = 3
"""Of runway, as the condition has it."""
NEAR = 0.8
"""Of a limit."""
MANY_FAILED = 10
"""Percent of what ended in a week."""
LEAST_ENDED = 10
"""Fewer say nothing."""

Badge = tuple[str, str]
"""A state of `c-badge`, and the word."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a limit is used now."""

    words: str
    used: int
    most: int
    is_money: bool = False

    @property
    def share(self) -> float:
        """Of it, from 0."""
        return self.used / self.most if self.most else 1.0

    @property
    def is_near(self) -> bool:
        """Whether little of it is left."""
        return self.share >= NEAR


@dataclass(frozen=True, slots=True)
class Row:
    """A tenant in the list."""

    tenant: Tenant
    figures: CustomerFigures
    now: datetime
    is_stopped: bool = False
    """Whether the stop switch is thrown for it."""

    @property
    def is_low(self) -> bool:
        """Whether it works, and its balance lasts for less than three days."""
        days = self.figures.days_left
        return self.is_active and days is not None and days < LOW_DAYS

    @property
    def is_active(self) -> bool:
        """Whether its requests are taken."""
        return self.tenant.status == Tenant.Status.ACTIVE

    @property
    def limits(self) -> list[Limit]:
        """Those that it has, the fullest first."""
        tenant, balance = self.tenant, self.figures.balance
        known = (
            ("requests at once", balance.in_flight, tenant.max_in_flight, False),
            ("budget of this month", balance.used.month, tenant.budget_month_micros, True),
            ("budget of today", balance.used.day, tenant.budget_day_micros, True),
            ("storage", tenant.stored_bytes, settings.STORED_BYTES_PER_TENANT, False),
        )
        found = [Limit(words, used, most, money) for words, used, most, money in known if most]
        return sorted(found, key=lambda one: -one.share)

    @property
    def fullest(self) -> Limit | None:
        """The limit of which least is left, where it has any."""
        return self.limits[0] if self.limits else None

    @property
    def is_near_limit(self) -> bool:
        """Whether little is left of one."""
        return self.fullest is not None and self.fullest.is_near

    @property
    def flags(self) -> list[Badge]:
        """What is wrong with it, the worst first."""
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
        """What the list is ordered by, the worst first.

        Who works and is in trouble comes before who is suspended, whom somebody has seen to.
        """
        days = self.figures.days_left
        lasting = float("inf") if days is None else days
        place = len(self.flags) and (1 if self.is_active else 2)
        return (place or 3, lasting, self.tenant.name.casefold())


def sandboxes() -> "QuerySet[Channel, str]":
    """Names of the channels that cost nothing: what they delivered is no spending."""
    return Channel.objects.exclude(serves=Serves.LIVE).values_list("name", flat=True)


def row_of(tenant: Tenant, figures: Mapping[UUID, CustomerFigures], now: datetime) -> Row:
    """A tenant of `known`, with its figures among those of all."""
    is_stopped: bool = tenant.is_stopped  # type: ignore[attr-defined]  # annotated by known
    return Row(tenant, figures.get(tenant.id, NOTHING), now, is_stopped)


def known() -> QuerySet[Tenant]:
    """All tenants, each with `is_stopped`."""
    stops = Stop.objects.filter(ended_at=None, tenant=OuterRef("pk"))
    return Tenant.objects.annotate(is_stopped=Exists(stops))


def tenant_of(public_id: str) -> Tenant:
    """The tenant of that id, as `known` has it. Raises Http404."""
    tenant_id = ids.parse(ids.TENANT, public_id)
    found = tenant_id and known().filter(id=tenant_id).first()
    if not found:
        raise Http404
    return found
