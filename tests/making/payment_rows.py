"""Payments by card, as rows: without a provider."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from billing.models import CHECKOUT_LASTS, Payment, PaymentDispute, PaymentMovement, ProviderEvent
from billing.services.office import card_money
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros


def make_payment(tenant_id: UUID, *, cents: int = 2_000, **facts: Any) -> Payment:
    begun: datetime = facts.pop("begun_at", clock.now())
    return Payment.objects.create(
        id=ids.new_uuid(), tenant_id=tenant_id, asked_cents=cents,
        credited_micros=cents * 10_000, begun_at=begun, expires_at=begun + CHECKOUT_LASTS, **facts,
    )  # fmt: skip


def make_movement(payment: Payment, kind: str, *, cents: int, **facts: Any) -> PaymentMovement:
    usual: dict[str, Any] = {"state": "done", "micros": cents * 10_000, "at": clock.now()}
    return PaymentMovement.objects.create(
        payment=payment, kind=kind, cents=cents, **(usual | facts)
    )


def paid_payment(tenant_id: UUID, *, cents: int = 2_000, tax: int = 0) -> Payment:
    """One that is paid and credited."""
    payment = make_payment(
        tenant_id, cents=cents, state="paid", amount_cents=cents + tax, tax_cents=tax,
        currency="usd", paid_at=clock.now(), charge_id=f"ch_{ids.new_uuid().hex[:12]}",
    )  # fmt: skip
    micros = payment.credited_micros
    charge = make_movement(payment, "charge", cents=cents + tax, micros=micros)
    line = str(charge.id)
    booked = card_money.top_up(tenant_id=tenant_id, amount=Micros(micros), line=line, reason="card")
    charge.seqs, payment.top_up_seq = [booked.seq or 0], booked.seq
    charge.save()
    payment.save()
    return payment


def make_dispute(payment: Payment, kind: str = "dispute", **facts: Any) -> PaymentDispute:
    usual: dict[str, Any] = {"state": "open", "cents": payment.asked_cents}
    usual |= {"provider_id": f"dp_{payment.pk.hex}", "opened_at": clock.now()}
    return PaymentDispute.objects.create(payment=payment, kind=kind, **(usual | facts))


def make_event(
    payment: Payment | None, name: str, *, age: timedelta, **facts: Any
) -> ProviderEvent:
    at = clock.now() - age
    usual: dict[str, Any] = {"type": "charge.succeeded", "rang": True, "next_at": at}
    return ProviderEvent.objects.create(
        id=name, payment=payment, created_at=at, received_at=at, **(usual | facts)
    )
