"""Payments by card: what there is, and what may be paid in. Amounts are cents where they say so."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Case, F, Q, QuerySet, Sum, When

from accounts.selectors.office.tenants import tenant_by_id
from billing.models import Payment, PaymentCustomer, PaymentDispute, PaymentMovement, ProviderEvent
from billing.payments.shares import dollars_of
from billing.selectors.office.balances import available_to
from pictor.kit.words.money import Micros

Kind, Moved, State = PaymentMovement.Kind, PaymentMovement.State, Payment.State
OFFERED = (20, 50, 100, 500)
"""The amounts, in dollars, that a page offers."""
FIRST_WEEK = timedelta(days=7)
OPENING = timedelta(seconds=10)
"""A payment without a page is one that is being opened; after it, one that failed to open."""
TROUBLED_AFTER = timedelta(minutes=5)
BOOKS = "books"
"""The type of an event that we made: the provider's books say something else than ours."""


@dataclass(frozen=True, slots=True)
class TopUpRoom:
    """What a workspace may pay in by card now, in cents; nothing if `most` is below `least`.

    `offered` are whole dollars within. `why` says, in a sentence, what a new workspace may pay.
    """

    least: int
    most: int
    offered: tuple[int, ...]
    why: str


def cards_on() -> bool:
    """True if customers can pay by card."""
    return bool(settings.STRIPE_SECRET_KEY)


def payments_of(tenant_id: UUID) -> QuerySet[Payment]:
    """Return a workspace's payments, newest first."""
    return Payment.objects.filter(tenant_id=tenant_id).order_by("-begun_at", "-id")


def payment_of(tenant_id: UUID, payment_id: UUID) -> Payment | None:
    return Payment.objects.filter(tenant_id=tenant_id, id=payment_id).first()


def to_confirm(tenant_id: UUID) -> Payment | None:
    """Return the automatic top-up that waits for the customer to pay its invoice."""
    begun = payments_of(tenant_id).filter(automatic=True, state=State.BEGUN)
    return begun.exclude(invoice_url="").first()


def customer_of(tenant_id: UUID) -> PaymentCustomer | None:
    """Return a workspace's billing details and automatic top-up; None if it never had any."""
    return PaymentCustomer.objects.filter(tenant_id=tenant_id).first()


def gone_of(movements: QuerySet[PaymentMovement]) -> tuple[int, int]:
    """Return the cents and micros of movements that went back or are going, less what came back."""
    stands = movements.exclude(kind=Kind.CHARGE).exclude(state=Moved.FAILED)
    sign = Case(When(kind=Kind.REINSTATEMENT, then=-1), default=1)
    sums = stands.aggregate(
        cents=Sum(F("cents") * sign, default=0), micros=Sum(F("micros") * sign, default=0)
    )
    return sums["cents"], sums["micros"]


def left_of_payment(payment: Payment) -> Micros:
    """Return what a payment bought and was not taken back in any way, in micros."""
    if payment.top_up_seq is None:
        return Micros(0)
    return Micros(payment.credited_micros - gone_of(payment.movements.all())[1])


def card_money_left(tenant_id: UUID) -> Micros:
    """Return how much of a workspace's balance was paid by card and could be paid back."""
    booked = payments_of(tenant_id).exclude(top_up_seq=None)
    bought = booked.aggregate(sum=Sum("credited_micros", default=0))["sum"]
    gone = gone_of(PaymentMovement.objects.filter(payment__tenant_id=tenant_id))[1]
    return Micros(min(bought - gone, available_to(tenant_id)))


def opened(now: datetime) -> Q:
    """Select all payments but those by hand whose page failed to open: nobody can pay them."""
    return Q(automatic=True) | Q(page_url__gt="") | Q(begun_at__gt=now - OPENING)


def top_up_room(tenant_id: UUID, now: datetime) -> TopUpRoom:
    """Return what a workspace may pay in by card now: a new one only so much in its first week."""
    least, most, why = settings.TOP_UP_LEAST * 100, settings.TOP_UP_MOST * 100, ""
    new_until = tenant_by_id(tenant_id).created_at + FIRST_WEEK
    if now < new_until:
        may_come = opened(now) & Q(state=State.BEGUN, expires_at__gt=now)
        stands = Q(state__in=[State.PAID, State.PERSON]) | may_come
        paid = Payment.objects.filter(stands, tenant_id=tenant_id)
        in_all = settings.TOP_UP_FIRST_WEEK * 100
        left = max(in_all - paid.aggregate(sum=Sum("asked_cents", default=0))["sum"], 0)
        most = min(most, left)
        all_of_it, rest = (dollars_of(n).removesuffix(".00") for n in (in_all, left))
        why = (
            f"Until {new_until:%-d %B} this workspace can add {all_of_it} by card in all;"
            f" {rest} of it is left."
        )
    offered = tuple(dollars for dollars in OFFERED if least <= dollars * 100 <= most)
    return TopUpRoom(least, most, offered, why)


def for_a_person() -> list[Payment]:
    """Return the payments that wait for a person, oldest first, with their tenants."""
    waiting = Payment.objects.filter(state=State.PERSON)
    return list(waiting.select_related("tenant").order_by("begun_at", "id"))


def refused_refunds() -> list[PaymentMovement]:
    """Return deleted workspaces' payments' last refund that failed, where some is left, unspent."""
    failed = PaymentMovement.objects.filter(kind=Kind.REFUND, state=Moved.FAILED)
    found = failed.select_related("payment__tenant").order_by("at")
    ended = {one.payment_id: one for one in found if one.payment.tenant.has_ended}
    return [
        last
        for last in ended.values()
        if min(left_of_payment(last.payment), available_to(last.payment.tenant_id)) > 0
    ]


def open_disputes() -> list[PaymentDispute]:
    """Return open disputes, inquiries and warnings, those due first, with payments and tenants."""
    disputes = PaymentDispute.objects.filter(state="open").select_related("payment__tenant")
    return list(disputes.order_by("due_at", "opened_at"))


def unhandled_events(now: datetime) -> list[ProviderEvent]:
    """Return events that wait for more than five minutes to be handled, oldest first."""
    waiting = ProviderEvent.objects.filter(handled_at=None).exclude(type=BOOKS)
    return list(waiting.filter(received_at__lt=now - TROUBLED_AFTER).order_by("received_at"))


def differences() -> QuerySet[ProviderEvent]:
    """Return where the provider's books and ours differ (`trouble` says how), oldest first."""
    return ProviderEvent.objects.filter(handled_at=None, type=BOOKS).order_by("created_at")


def silent_since() -> datetime | None:
    """Return the time of the first event after the last that rang; None if none is missed."""
    events = ProviderEvent.objects.exclude(type=BOOKS).order_by("created_at")
    last = events.filter(rang=True).last()
    missed = events.filter(created_at__gt=last.created_at) if last else events
    return missed.values_list("created_at", flat=True).first()
