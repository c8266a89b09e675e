"""Payments by card, as rows: without a provider."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from billing.models import CHECKOUT_LASTS, Payment, PaymentDispute, PaymentMovement, ProviderEvent
from pictor.kit.words import clock, ids


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
