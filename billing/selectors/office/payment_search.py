"""Payments as an operator searches them, newest first, and one with all that is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Payment, PaymentDispute, PaymentMovement, ProviderEvent, Transfer
from pictor.kit.words import ids

MAX_EVENTS = 50
Movement, State = PaymentMovement.Kind, PaymentMovement.State


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """A search for payments, begun from `since` to before `until`; what is unset is not sought."""

    tenant_id: UUID | None = None
    state: str = ""
    is_automatic: bool = False
    is_disputed: bool = False
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaymentSums:
    """What went back of a payment's credited micros, by refund and by disputes' funds."""

    paid_back: int
    taken: int


def payments_like(sought: PaymentFilter, *, after: UUID | None, limit: int) -> list[Payment]:
    """Return the payments after one, with tenants, movements and disputes; at most five queries."""
    found = _matching(sought)
    last = None if after is None else Payment.objects.filter(id=after).first()
    if last is not None:
        later = {"begun_at": last.begun_at, "id__gte": last.id}
        found = found.filter(begun_at__lte=last.begun_at).exclude(**later)
    return list(_whole(found).order_by("-begun_at", "-id")[:limit])


def payment_by_id(text: str) -> Payment | None:
    """Return a payment of any tenant, by its id as a person writes it."""
    payment_id = ids.parse_uuid(text)
    if payment_id is None:
        return None
    return _whole(Payment.objects.filter(id=payment_id)).select_related("begun_by").first()


def events_of_payment(payment: Payment) -> list[ProviderEvent]:
    """Return its last events, newest first."""
    return list(ProviderEvent.objects.filter(payment=payment).order_by("-created_at")[:MAX_EVENTS])


def transfers_of_payment(payment: Payment) -> Mapping[int, Transfer]:
    """Return its movements' transfers, by their numbers."""
    numbers = [seq for movement in payment.movements.all() for seq in movement.seqs]
    moved = Transfer.objects.filter(tenant_id=payment.tenant_id, seq__in=numbers)
    return {transfer.seq: transfer for transfer in moved if transfer.seq is not None}


def sums_of_payment(payment: Payment) -> PaymentSums:
    """Sum the movements that were done; those of refunds from when they were asked for."""

    def sum_of(kind: str, *states: str) -> int:
        moved = payment.movements.all()
        return sum(one.micros for one in moved if one.kind == kind and one.state in states)

    asked = (State.ASKED, State.PENDING, State.DONE)
    taken = sum_of(Movement.WITHDRAWAL, State.DONE) - sum_of(Movement.REINSTATEMENT, State.DONE)
    return PaymentSums(sum_of(Movement.REFUND, *asked), taken)


def _whole(found: QuerySet[Payment]) -> QuerySet[Payment]:
    return found.select_related("tenant").prefetch_related("movements", "disputes")


def _matching(sought: PaymentFilter) -> QuerySet[Payment]:
    found = Payment.objects.all()
    if sought.tenant_id is not None:
        found = found.filter(tenant_id=sought.tenant_id)
    if sought.state:
        found = found.filter(state=sought.state)
    if sought.is_automatic:
        found = found.filter(automatic=True)
    if sought.is_disputed:
        found = found.filter(Exists(PaymentDispute.objects.filter(payment=OuterRef("pk"))))
    if sought.since is not None:
        found = found.filter(begun_at__gte=sought.since)
    if sought.until is not None:
        found = found.filter(begun_at__lt=sought.until)
    return found
