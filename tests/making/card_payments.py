"""Payments by card and what became of them, as rows and transfers, without a provider."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from billing.models import Payment, PaymentMovement
from billing.payments.port import Movement, Present
from billing.payments.shares import micros_of
from billing.services.office.pay_backs import set_aside
from billing.services.office.payment_movements import apply, book_movement
from pictor.kit.words import clock, ids


def card_payment(tenant_id: UUID, cents: int, *, automatic: bool = False) -> Payment:
    """A payment that is booked."""
    now, payment_id = clock.now(), ids.new_uuid()
    Payment.objects.create(
        id=payment_id,
        tenant_id=tenant_id,
        automatic=automatic,
        asked_cents=cents,
        credited_micros=micros_of(cents),
        begun_at=now,
        expires_at=now + timedelta(minutes=35),
    )
    present = Present(
        state="paid",
        live=False,
        subtotal_cents=cents,
        currency="usd",
        amount_cents=cents,
        charge_id=f"ch_{payment_id.hex}",
        payment_intent_id=f"pi_{payment_id.hex}",
        session_id=f"cs_{payment_id.hex}",
        card_brand="visa",
        card_last4="4242",
    )
    return apply(payment_id, look=1, present=present, now=now)


@transaction.atomic
def move(payment: Payment, kind: Any, cents: int, *, dispute: str = "", ours: Any = None) -> str:
    """Book what the provider moved: by default in its dashboard. Returns the movement's id."""
    name = f"x_{ids.new_uuid().hex}"
    moved = Movement(kind, name, cents, "done", clock.now(), ours, dispute)
    book_movement(payment, moved, now=clock.now())
    return str(PaymentMovement.objects.get(provider_id=name).id)


@transaction.atomic
def pay_back(payment: Payment, cents: int) -> None:
    """Set money aside and pay it back, as staff do."""
    set_aside(
        tenant_id=payment.tenant_id,
        top_up_seq=payment.top_up_seq or 0,
        amount=micros_of(cents),
        why={"actor": "test", "reason": "rest"},
    )
    asked = payment.movements.get(state="asked")
    move(payment, "refund", cents, ours=asked.id)
