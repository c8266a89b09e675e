"""This app's data about tenants: `accounts.holdings.Holdings`, plugged in by `apps.py`."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from billing.models import (
    FailureRollup,
    Payment,
    PaymentCustomer,
    PaymentDispute,
    PaymentMovement,
    SoldDay,
    Transfer,
    UsageRollup,
)
from billing.services.office.payment_erasure import forget_payments
from pictor.kit.database.row_pages import in_pages

_MOVE = {
    **{name: name for name in ("id", "seq", "kind", "amount", "available_after", "held_after")},
    "generation_id": "generation_id",
    "reason": "reason_shown",
    "reverses_seq": "reverses_seq",
    "created_at": "created_at",
}
"""The columns of a transfer in an export, each with the attribute it is read from."""
_NOT_THEIRS = frozenset({"channel", "times"})
"""Columns about how the work was done, and the copy of `latency`."""


def tables(tenant_id: UUID) -> Iterator[tuple[str, Iterator[Mapping[str, Any]]]]:
    """Yield every transfer on the tenant's accounts, hourly usage and failures, and daily sales.

    Our costs are left out: they are the operator's.
    """
    transfers = in_pages(Transfer.objects.filter(tenant_id=tenant_id), by="seq")
    yield (
        "transfers",
        ({name: getattr(transfer, of) for name, of in _MOVE.items()} for transfer in transfers),
    )
    columns = [
        field.attname
        for field in UsageRollup._meta.concrete_fields  # noqa: SLF001 - Django's way to columns
        if field.attname not in _NOT_THEIRS
    ]
    yield "usage", in_pages(UsageRollup.objects.filter(tenant_id=tenant_id).values(*columns))
    yield "failures", in_pages(FailureRollup.objects.filter(tenant_id=tenant_id).values())
    sold = SoldDay.objects.filter(tenant_id=tenant_id).values(
        "id", "day", "model", "asked", "delivered", "quality", "images", "captured_micros",
        "refunded_micros", "credited_micros",
    )  # fmt: skip
    yield "sold", in_pages(sold)
    if PaymentCustomer.objects.filter(tenant_id=tenant_id).exists():
        yield from _payments(tenant_id)


def _payments(tenant_id: UUID) -> Iterator[tuple[str, Iterator[Mapping[str, Any]]]]:
    """Yield payments by card, what moved for them, what banks said of them, and their details."""
    payments = Payment.objects.filter(tenant_id=tenant_id).values(
        "id", "automatic", "state", "credited_micros", "asked_cents", "amount_cents", "tax_cents",
        "currency", "card_brand", "card_last4", "invoice_number", "invoice_url", "receipt_url",
        "declined", "top_up_seq", "begun_by", "begun_at", "paid_at",
    )  # fmt: skip
    yield "payments", in_pages(payments)
    moved = PaymentMovement.objects.filter(payment__tenant_id=tenant_id).values(
        "id", "payment", "kind", "state", "cents", "micros", "seqs", "reason", "at"
    )
    yield "payment_movements", in_pages(moved)
    disputes = PaymentDispute.objects.filter(payment__tenant_id=tenant_id).values(
        "provider_id", "payment", "kind", "state", "reason", "cents", "opened_at"
    )
    yield "payment_disputes", in_pages(disputes, by="provider_id")
    details = PaymentCustomer.objects.filter(tenant_id=tenant_id).values(
        "tenant", "legal_name", "address", "tax_id", "purchase_order", "invoice_mail",
        "below_micros", "add_cents", "most_cents", "consented_by", "consented_at", "paused_for",
    )  # fmt: skip
    yield "billing_details", in_pages(details, by="tenant")


def files(tenant_id: UUID) -> tuple[()]:
    """There are none."""
    del tenant_id
    return ()


def erase(*, tenant_id: UUID, now: datetime) -> None:
    """Erase who paid by card. The ledger is append-only, and names a tenant only by its id."""
    forget_payments(tenant_id=tenant_id, now=now)
