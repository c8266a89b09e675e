"""Payments as an operator searches them, newest first, and one with all that is known of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Payment, PaymentDispute, PaymentMovement, ProviderEvent, Transfer
from billing.selectors.office.payments import payments_of
from pictor.kit.words import ids

MAX_EVENTS = 50
_OF_IT = PaymentDispute.objects.filter(payment=OuterRef("pk"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """A search for payments: Django's lookups, None for any, and those that were disputed."""

    tenant_id: UUID | None = None
    state: str | None = None
    automatic: bool | None = None
    begun_at__gte: datetime | None = None
    begun_at__lt: datetime | None = None
    is_disputed: bool = False

    def matching(self) -> QuerySet[Payment]:
        lookups = {name: value for name, value in asdict(self).items() if value is not None}
        is_disputed = lookups.pop("is_disputed")
        found = Payment.objects.filter(**lookups)
        return found.filter(Exists(_OF_IT)) if is_disputed else found


def payments_like(sought: PaymentFilter, *, after: UUID | None, limit: int) -> list[Payment]:
    """Return the payments after one, with tenants, movements and disputes; at most five queries."""
    found = sought.matching()
    last = None if after is None else Payment.objects.filter(id=after).first()
    if last is not None:
        later = {"begun_at": last.begun_at, "id__gte": last.id}
        found = found.filter(begun_at__lte=last.begun_at).exclude(**later)
    return list(_whole(found).order_by("-begun_at", "-id")[:limit])


def latest_payments(tenant_id: UUID, *, limit: int) -> list[tuple[Payment, list[str]]]:
    """Return a tenant's last payments, each with the kinds of its open disputes; one query."""
    kinds = ArraySubquery(_OF_IT.filter(state="open").values("kind"))
    found = payments_of(tenant_id).annotate(complaints=kinds)[:limit]
    return [(payment, payment.complaints) for payment in found]


def payment_by_id(text: str) -> Payment | None:
    """Return a payment of any tenant, by its id as a person writes it."""
    payment_id = ids.parse_uuid(text)
    found = Payment.objects.filter(id=payment_id) if payment_id else Payment.objects.none()
    return _whole(found).select_related("tenant", "begun_by").first()


def _whole(found: QuerySet[Payment]) -> QuerySet[Payment]:
    return found.select_related("tenant").prefetch_related("movements", "disputes")


def complaints_of(payment: Payment) -> list[str]:
    """Return the kinds of its open disputes."""
    return [one.kind for one in payment.disputes.all() if one.state == "open"]


def events_of_payment(payment: Payment) -> list[ProviderEvent]:
    """Return its last events, newest first."""
    return list(ProviderEvent.objects.filter(payment=payment).order_by("-created_at")[:MAX_EVENTS])


def transfers_of_payment(payment: Payment) -> Mapping[int | None, Transfer]:
    """Return its movements' transfers, by their numbers."""
    numbers = [seq for movement in payment.movements.all() for seq in movement.seqs]
    moved = Transfer.objects.filter(tenant_id=payment.tenant_id, seq__in=numbers)
    return {transfer.seq: transfer for transfer in moved}


def sums_of_payment(payment: Payment) -> tuple[int, int]:
    """Return the cents that go back by refunds, and that disputes took and did not give back."""
    sums = Counter[str]()
    for one in payment.movements.all():
        if one.state != PaymentMovement.State.FAILED:
            sums[one.kind] += one.cents
    return sums["refund"], sums["withdrawal"] - sums["reinstatement"]
