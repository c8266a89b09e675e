"""Payments by card: begun on the provider's page, and followed by its present state.

No call to the provider is made inside a transaction. What it was asked is committed before, so that
a process may die anywhere. Errors of the provider are `billing.payments.port.ProviderError`.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Unpack
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import OperationalError, transaction
from django.db.models import Q

from accounts import rates
from accounts.models import User
from accounts.selectors.office.tenants import tenant_by_id
from accounts.services import By, record
from accounts.services.office.tenants import refuse_ended
from billing.models import CHECKOUT_LASTS, Payment, PaymentCustomer
from billing.payments import provider
from billing.payments.port import (
    CardProvider,
    Checkout,
    CustomerDetails,
    Ids,
    Present,
    ProviderAway,
    ProviderError,
    ProviderRefused,
)
from billing.payments.shares import dollars_of, micros_of
from billing.selectors.office.payments import cards_on, opened, top_up_room
from billing.services.office.payment_mail import payers_of
from billing.services.office.payment_movements import apply
from pictor.kit.database.errors import is_locked
from pictor.kit.words.client_addresses import counted_address

logger = logging.getLogger(__name__)

MOST_OPEN = 5
MOST_AN_HOUR = 10
PAGE_SECONDS = 5.0
"""The most that the provider's calls for one page may take together."""
RETRIED_FOR = timedelta(minutes=5)
"""How long a form gets the same payment: its page ends 35 minutes after it was begun, and has to be
open for 30 of them."""
LOOKED_AGAIN = timedelta(minutes=10)
MOST_LOOKS = 100
MOST_AWAY = 3
"""Calls without an answer, each of half a minute, after which the rest waits for the next round."""


class NotCharged(ValidationError):
    """The provider could not be asked: nothing was charged, and the same form can be sent again."""


@dataclass(frozen=True, slots=True)
class PagesAfter:
    """Where the customer comes back to. The form's id in them becomes the payment's."""

    success: str
    cancel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingDetails:
    """What the provider's invoices say of a workspace."""

    legal_name: str = ""
    address: str = ""
    tax_id: str = ""
    purchase_order: str = ""
    invoice_mail: str = ""


def begin_top_up(
    *,
    once: UUID,
    tenant_id: UUID,
    cents: int,
    keeps_card: bool,
    pages: PagesAfter,
    now: datetime,
    **by: Unpack[By],
) -> str:
    """Begin a payment by hand; return the address of the page on which it is paid.

    The same form, `once`, gets the same payment and page. Raises ValidationError, for a person, if
    it may not be begun, and NotCharged while the provider is away.
    """
    at = asked_provider()
    payment = _begun(once, tenant_id, cents, now, by)
    if payment.page_url:
        return payment.page_url
    try:
        with at.within(PAGE_SECONDS):
            checkout = Checkout(
                payment_id=payment.id,
                tenant_id=tenant_id,
                customer=customer_at(at, tenant_id),
                cents=cents,
                expires_at=payment.expires_at,
                success_url=pages.success.replace(str(once), str(payment.id)),
                cancel_url=pages.cancel.replace(str(once), str(payment.id)),
                keeps_card=keeps_card,
            )
            page = at.begin(checkout)
    except ProviderError as error:
        if url := Payment.objects.get(id=payment.id).page_url:  # a second click at the same time
            return url
        why = f" {error}" if isinstance(error, ProviderRefused) else ""
        logger.warning("no page for a payment: %s: %s", type(error).__name__, error)
        words = f"You were not charged: the payment page could not be opened.{why}"
        raise NotCharged(words) from error
    Payment.objects.filter(id=payment.id).update(session_id=page.session_id, page_url=page.url)
    return page.url


@contextmanager
def _or_not_charged(words: str) -> Iterator[None]:
    try:
        yield
    except ProviderError as error:
        logger.warning("%s %s: %s", words, type(error).__name__, error)
        raise NotCharged(words) from error


def asked_provider() -> CardProvider:
    """Return the provider. Raises ValidationError where there is none."""
    at = provider.card_provider() if cards_on() else None
    if at is None:
        raise ValidationError("Payments by card are off.")
    return at


def _begun(once: UUID, tenant_id: UUID, cents: int, now: datetime, by: By) -> Payment:
    is_new = not Payment.objects.filter(id=once).exists()
    if is_new and (address := by.get("ip")):
        rates.take_payment(counted_address(address))
    with transaction.atomic():
        locked_customer(tenant_id)  # two forms at once must not both find room for them
        payment_id = once
        while there := Payment.objects.filter(id=payment_id).first():
            if _is_same(there, tenant_id, cents, now):
                return there
            payment_id = uuid5(payment_id, "again")
        _refuse(tenant_id, cents, now, by)
        user = by["actor"] if isinstance(by["actor"], User) else None
        payment = Payment.objects.create(
            id=payment_id,
            tenant_id=tenant_id,
            asked_cents=cents,
            credited_micros=micros_of(cents),
            begun_by=user,
            begun_at=now,
            expires_at=now + CHECKOUT_LASTS,
        )
        tenant = tenant_by_id(tenant_id)
        asked = {"payment": str(payment.id), "amount_micros": payment.credited_micros}
        record(tenant.audited, "top_up.begin", after=asked, **by)
        return payment


def _is_same(there: Payment, tenant_id: UUID, cents: int, now: datetime) -> bool:
    """True if a form that is sent again goes on with this payment; False if it needs a new one."""
    if (there.tenant_id, there.asked_cents) != (tenant_id, cents):
        raise ValidationError("This form was sent before with other values. Open it again.")
    if there.state != Payment.State.BEGUN or (there.page_url and there.expires_at <= now):
        raise ValidationError("This payment is over. Open the form again.")
    return bool(there.page_url) or now - there.begun_at <= RETRIED_FOR


def _refuse(tenant_id: UUID, cents: int, now: datetime, by: By) -> None:
    refuse_ended(tenant_id)
    actor = by["actor"]
    if isinstance(actor, User) and actor.email_verified_at is None:
        raise ValidationError("Confirm your e-mail address first.")
    refuse_amount(tenant_id, cents, now)
    by_hand = Payment.objects.filter(opened(now), tenant_id=tenant_id, automatic=False)
    if by_hand.filter(state=Payment.State.BEGUN, expires_at__gt=now).count() >= MOST_OPEN:
        raise ValidationError("Five payments are open already. Finish one, or wait half an hour.")
    if by_hand.filter(begun_at__gt=now - timedelta(hours=1)).count() >= MOST_AN_HOUR:
        raise ValidationError("Too many payments were begun within an hour. Try again later.")


def refuse_amount(tenant_id: UUID, cents: int, now: datetime) -> None:
    """Raise ValidationError for an amount that may not be paid in now."""
    room = top_up_room(tenant_id, now)
    if room.most < room.least:
        raise ValidationError(room.why)
    if not room.least <= cents <= room.most:
        least, most = dollars_of(room.least), dollars_of(room.most)
        why = f" {room.why}" if room.why else ""
        raise ValidationError(f"Choose an amount from {least} to {most}.{why}")


def locked_customer(tenant_id: UUID) -> PaymentCustomer:
    """Lock a workspace's row of payments to the transaction's end; make it if there is none."""
    locked = PaymentCustomer.objects.select_for_update()
    return locked.get_or_create(tenant_id=tenant_id)[0]


def customer_at(at: CardProvider, tenant_id: UUID) -> str:
    """Send a workspace's details to the provider; return its id there."""
    customer, _ = PaymentCustomer.objects.get_or_create(tenant_id=tenant_id)
    details = CustomerDetails(
        tenant_id=tenant_id,
        name=customer.legal_name or customer.tenant.shown_name,
        email=customer.invoice_mail or next(iter(payers_of(tenant_id)), ""),
        address=customer.address,
        tax_id=customer.tax_id,
        purchase_order=customer.purchase_order,
    )
    provider_id = at.keep_customer(details, customer=customer.provider_id)
    if customer.provider_id != provider_id:
        new = PaymentCustomer.objects.filter(tenant_id=tenant_id, provider_id=customer.provider_id)
        new.update(provider_id=provider_id)
    return provider_id


def ids_of(payment: Payment) -> Ids:
    return Ids(
        payment.id,
        session_id=payment.session_id or "",
        payment_intent_id=payment.payment_intent_id or "",
        invoice_id=payment.invoice_id or "",
    )


def follow(payment_id: UUID, *, now: datetime, seconds: float | None = None) -> Payment:
    """Look at the provider's present state of a payment, and book what it says.

    Safe at any time and beside others: the answer of a look changes nothing once a newer one was
    booked. A page says how many `seconds` it may take. Raises ProviderError, also if another
    process books it for longer than we wait, and Payment.DoesNotExist.
    """
    at = asked_provider()
    try:
        payment = begin_look(payment_id, now=now)
        with nullcontext() if seconds is None else at.within(seconds):
            present = at.present(ids_of(payment))
            if present is not None:
                end_invoice(at, payment, present, now=now)
        return apply(payment_id, look=payment.looks, present=present, now=now)
    except OperationalError as error:
        if is_locked(error):
            raise ProviderAway("another process is booking it") from error
        raise


@transaction.atomic
def begin_look(payment_id: UUID, *, now: datetime) -> Payment:
    """Number a look at the provider, before it is made."""
    payment = Payment.objects.select_for_update().get(id=payment_id)
    payment.looks += 1
    payment.looked_at = now
    payment.save(update_fields=["looks", "looked_at"])
    return payment


def end_invoice(at: CardProvider, payment: Payment, present: Present, *, now: datetime) -> None:
    """Void an automatic top-up's invoice that was declined, or that nobody paid in its time."""
    # One that waits for the customer already outlasts the cards that they try on its page.
    waited = payment.state == Payment.State.BEGUN and payment.declined
    waits = waited or present.needs_customer or present.stops
    is_over = payment.expires_at <= now or (present.state == "failed" and not waits)
    if payment.automatic and present.state != "paid" and is_over and present.invoice_id:
        at.void(present.invoice_id)


def follow_begun(now: datetime) -> None:
    """Look at payments that are begun and were not looked at for a while: no event is needed."""
    is_due = Q(looked_at=None) | Q(looked_at__lt=now - LOOKED_AGAIN)
    old_enough = Q(begun_at__lt=now - LOOKED_AGAIN)
    begun = Payment.objects.filter(is_due, old_enough, state=Payment.State.BEGUN)
    ids = begun.order_by("looked_at").values_list("id", flat=True)[:MOST_LOOKS]
    each_alone(ids, partial(follow, now=now))


def each_alone(ids: Iterable[UUID], work: Callable[[UUID], object]) -> None:
    """Call `work` with each id: one that fails keeps no other waiting, but the provider does."""
    name, unanswered = getattr(work, "func", work).__name__, 0  # of what a partial calls
    for one in list(ids):
        try:
            work(one)
        except ProviderError as error:
            logger.warning("%s %s waits: %s: %s", name, one, type(error).__name__, error)
            unanswered += not isinstance(error, ProviderRefused)
            if unanswered == MOST_AWAY:
                return
        except Exception:
            logger.exception("%s %s failed", name, one)


def open_portal(*, tenant_id: UUID, back_to: str) -> str:
    """Return the address of the provider's page with a workspace's invoices and cards.

    Raises NotCharged while the provider is away.
    """
    at = asked_provider()
    refuse_ended(tenant_id)
    words = "The page could not be opened. Try again in a minute."
    with _or_not_charged(words), at.within(PAGE_SECONDS):
        return at.portal(customer_at(at, tenant_id), back_to=back_to)


def has_card(tenant_id: UUID) -> bool:
    """True if a workspace has a saved card. Raises NotCharged while the provider is away."""
    at = asked_provider()
    with _or_not_charged("Nothing was changed: the payment provider did not answer."):
        return at.has_card(customer_at(at, tenant_id))


@transaction.atomic
def keep_details(*, tenant_id: UUID, details: BillingDetails, **by: Unpack[By]) -> None:
    """Keep a workspace's billing details; they are sent before each payment.

    Raises ValidationError, by field, for a wrong value.
    """
    refuse_ended(tenant_id)
    customer = locked_customer(tenant_id)
    after = asdict(details)
    # The audit log is never erased, so it says which of them changed, and not to what.
    changed = sorted(name for name in after if getattr(customer, name) != after[name])
    if not changed:
        return
    for name in changed:
        setattr(customer, name, after[name])
    customer.clean_fields(exclude={field.name for field in customer._meta.fields} - set(changed))  # noqa: SLF001 - Django's way to columns
    customer.save(update_fields=changed)
    record(tenant_by_id(tenant_id).audited, "billing.details", after={"changed": changed}, **by)
