"""A tenant's balance and its transfers. Amounts are micros."""

from dataclasses import dataclass
from uuid import UUID

from billing.models import TenantBalance, Transfer
from pictor.kit.money import Micros


@dataclass(frozen=True, slots=True)
class Balance:
    """What a tenant can spend, what is on hold, and how many requests hold it."""

    available: Micros
    held: Micros
    in_flight: int


def balance_of(tenant_id: UUID) -> Balance:
    """A tenant's balance; all 0 before its account is opened."""
    row = TenantBalance.objects.filter(tenant_id=tenant_id).first()
    if row is None:
        return Balance(Micros(0), Micros(0), 0)
    return Balance(Micros(row.available), Micros(row.held), row.in_flight)


def available_to(tenant_id: UUID) -> Micros:
    """What a tenant can spend now."""
    return balance_of(tenant_id).available


def statement(tenant_id: UUID, *, after_seq: int = 0, limit: int | None = None) -> list[Transfer]:
    """A tenant's transfers in order, from the one after `after_seq` on."""
    transfers = Transfer.objects.filter(tenant_id=tenant_id, seq__gt=after_seq).order_by("seq")
    return list(transfers if limit is None else transfers[:limit])


def transfers_of(generation_id: UUID) -> list[Transfer]:
    """What a generation moved, in order: its hold and its end, refunds, what it cost us."""
    return list(Transfer.objects.filter(generation_id=generation_id).order_by("id"))
