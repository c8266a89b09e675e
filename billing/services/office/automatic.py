"""Automatic top-ups: below X, Y is charged to the saved card, at most Z in a calendar month (UTC).

The short-work worker decides, each minute; a request never does. One is open at a time, one begins
in an hour, and its payment is committed before the card is charged by the payment's id as key.
"""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, Sum

from accounts.models import BILLING_CONTACT_ROLES, Tenant, User
from accounts.selectors.office.members import has_role
from accounts.selectors.office.tenants import tenant_by_id
from accounts.services import By, record
from accounts.services.office.tenants import refuse_ended
from billing.models import CHECKOUT_LASTS, Payment, PaymentCustomer, TenantBalance
from billing.payments.port import NO_CARD, ProviderRefused
from billing.payments.shares import dollars_of, micros_of
from billing.selectors.office.payments import top_up_room
from billing.services.office.payment_mail import declined, pause
from billing.services.office.payment_movements import KEY_LASTS, apply
from billing.services.office.payments import (
    asked_provider,
    begin_look,
    customer_at,
    each_alone,
    end_invoice,
    locked_customer,
    refuse_amount,
)
from pictor.kit.words import ids
from pictor.kit.words.money import Micros, in_dollars

logger = logging.getLogger(__name__)

AN_HOUR = timedelta(hours=1)
UNPAID_FOR = timedelta(days=7)
"""How long an invoice waits for the customer, until it is void."""
MOST_CENTS = 100_000_000
"""The most that a month may be allowed: a million dollars."""
Pause = PaymentCustomer.Pause
State = Payment.State
OFF = {
    "below_micros": None, "add_cents": None, "most_cents": None, "consented_by": None,
    "consented_at": None, "paused_for": "", "tries": 0, "next_at": None,
}  # fmt: skip
"""The columns of a workspace without automatic top-ups."""


def consent_text(below_micros: Micros, add_cents: int, most_cents: int) -> str:
    """Return what a member agrees to."""
    add, most = dollars_of(add_cents), dollars_of(most_cents)
    return (
        f"Whenever less than {in_dollars(below_micros)} is available, charge {add} to the saved"
        f" card, at most {most} in a calendar month (UTC) and once an hour, until a member stops"
        " it. Tax may be added."
    )


@transaction.atomic
def agree(
    *,
    tenant_id: UUID,
    below_micros: Micros,
    add_cents: int,
    most_cents: int,
    is_card_saved: bool = True,
    now: datetime,
    **by: Unpack[By],
) -> None:
    """Turn automatic top-ups on, or on again, in the name of a member.

    Without a saved card none is charged until the page ends on which the member pays and saves one.
    Raises ValidationError, for a person.
    """
    refuse_ended(tenant_id)
    user = by["actor"]
    if not isinstance(user, User) or not has_role(tenant_id, user.id, BILLING_CONTACT_ROLES):
        raise ValidationError("A member who may pay has to agree.")
    if user.email_verified_at is None:
        raise ValidationError("Confirm your e-mail address first.")
    if below_micros <= 0 or micros_of(add_cents) < below_micros:
        raise ValidationError("Add at least as much as the balance below which it is added.")
    if most_cents < add_cents:
        raise ValidationError("A month has to allow at least one top-up.")
    if most_cents > MOST_CENTS:
        raise ValidationError(f"A month allows at most {dollars_of(MOST_CENTS)}.")
    refuse_amount(tenant_id, add_cents, now)
    agreed = {
        **OFF,
        "below_micros": below_micros,
        "add_cents": add_cents,
        "most_cents": most_cents,
        "consented_by": user,
        "consented_at": now,
        "next_at": None if is_card_saved else now + CHECKOUT_LASTS,
    }
    locked_customer(tenant_id)
    PaymentCustomer.objects.filter(tenant_id=tenant_id).update(**agreed)
    text = {"text": consent_text(below_micros, add_cents, most_cents)}
    record(tenant_by_id(tenant_id).audited, "automatic.agree", after=text, **by)


@transaction.atomic
def stop(*, tenant_id: UUID, **by: Unpack[By]) -> None:
    """Turn automatic top-ups off; what is charged already stays."""
    on = PaymentCustomer.objects.filter(tenant_id=tenant_id, consented_at__isnull=False)
    if on.update(**OFF):
        record(tenant_by_id(tenant_id).audited, "automatic.stop", **by)


def top_up_due(now: datetime) -> None:
    """Charge each saved card that is due, and ask again where an answer was lost."""
    is_due = Q(next_at=None) | Q(next_at__lte=now)
    active = PaymentCustomer.objects.filter(is_due, paused_for="").exclude(consented_by=None)
    each_alone(active.order_by("?").values_list("tenant_id", flat=True), partial(_top_up, now=now))


@transaction.atomic
def _to_charge(tenant_id: UUID, now: datetime) -> Payment | None:
    """Return the payment without an answer, or commit one that is due; None if it has to rest."""
    customer = locked_customer(tenant_id)
    if customer.paused_for:
        return None
    if why := why_paused(customer):
        pause(tenant_id, why, now=now)
        return None
    mine = Payment.objects.filter(tenant_id=tenant_id, automatic=True)
    # Only of the amount that is agreed to now.
    same = mine.filter(asked_cents=customer.add_cents or 0, begun_at__gt=now - KEY_LASTS)
    lost = same.filter(state=State.BEGUN, declined="").first()
    if lost or not _is_due(customer, now):
        return lost
    return mine.create(
        id=ids.new_uuid(),
        tenant_id=tenant_id,
        automatic=True,
        asked_cents=customer.add_cents or 0,
        credited_micros=micros_of(customer.add_cents or 0),
        begun_by_id=customer.consented_by_id,
        begun_at=now,
        expires_at=now + UNPAID_FOR,
    )


def _is_due(customer: PaymentCustomer, now: datetime) -> bool:
    """True if there is too little, and nothing is open, begun lately, or too much for a month."""
    below, add, most = customer.below_micros, customer.add_cents, customer.most_cents
    if below is None or add is None or most is None:
        return False
    balance = TenantBalance.objects.filter(tenant_id=customer.tenant_id).first()
    if balance is not None and balance.available >= below and not balance.owed:
        return False
    mine = Payment.objects.filter(tenant_id=customer.tenant_id, automatic=True)
    # One for a person credited nothing: the next would not either.
    is_open = Q(state__in=[State.BEGUN, State.PERSON])
    if mine.filter(is_open | Q(begun_at__gt=now - AN_HOUR)).exists():
        return False
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    paid = mine.filter(begun_at__gte=month, state__in=[State.PAID, State.PERSON])
    in_all: int = paid.aggregate(sum=Sum("asked_cents", default=0))["sum"]
    return in_all + add <= most and add <= top_up_room(customer.tenant_id, now).most


def why_paused(customer: PaymentCustomer) -> str:
    """Return why automatic top-ups that are on rest, or have to; empty if they do not."""
    tenant_id, member_id = customer.tenant_id, customer.consented_by_id
    if customer.paused_for:
        return customer.paused_for
    if customer.tenant.status == Tenant.Status.SUSPENDED or customer.tenant.has_ended:
        return Pause.SUSPENDED
    if member_id is None or not has_role(tenant_id, member_id, BILLING_CONTACT_ROLES):
        return Pause.MEMBER_LEFT
    if TenantBalance.objects.filter(tenant_id=tenant_id, owed__gt=0).exists():
        return Pause.OWED
    return ""


def _top_up(tenant_id: UUID, *, now: datetime) -> None:
    """Charge the saved card if that is due; a payment is charged once, however often it is asked.

    Raises ProviderError without an answer.
    """
    payment = _to_charge(tenant_id, now)
    if payment is None:
        return
    at = asked_provider()
    try:
        customer = customer_at(at, tenant_id)
        payment = begin_look(payment.id, now=now)
        present = at.charge_saved_card(payment.id, customer=customer, cents=payment.asked_cents)
        # A decline first: the card must not be tried again where its invoice cannot be void yet,
        # which the look for the decline's event then does.
        apply(payment.id, look=payment.looks, present=present, now=now)
        end_invoice(at, payment, present, now=now)
    except ProviderRefused as error:
        _refused(payment.id, error, now)


@transaction.atomic
def _refused(payment_id: UUID, error: ProviderRefused, now: datetime) -> None:
    """End a top-up for which nothing was charged: there is no card, or the call was wrong."""
    payment = Payment.objects.select_for_update().get(id=payment_id)
    if payment.state != State.BEGUN:  # a look found it paid meanwhile
        return
    payment.state, payment.declined = State.FAILED, error.code[:60]
    payment.save(update_fields=["state", "declined"])
    if error.code == NO_CARD:
        pause(payment.tenant_id, Pause.NO_CARD, now=now)
    else:
        logger.error("an automatic top-up was refused: %s", error)
        declined(payment, now=now)
