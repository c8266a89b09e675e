"""This app's data about tenants: `accounts.holdings.Holdings`, plugged in by `apps.py`."""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

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
from billing.payments.port import ProviderError
from billing.selectors.office.payments import cards_on
from billing.services.office.automatic import OFF
from billing.services.office.pay_backs import send
from billing.services.office.payments import asked_provider, follow
from pictor.kit.database.row_pages import in_pages

logger = logging.getLogger(__name__)

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
    """Erase who paid by card; safe to call again. The ledger names a tenant only by its id.

    Amounts, ids and invoice numbers stay: they are accounts. So do the provider's invoices, with
    name and address, as the law asks. Raises ValidationError until open payments have ended, money
    that goes back was asked for, and the provider has deleted the customer.
    """
    customer = PaymentCustomer.objects.filter(tenant_id=tenant_id).first()
    if customer is None:
        return
    if cards_on():
        try:
            _end(customer, now)
        except ProviderError as error:
            raise ValidationError(f"the payment provider did not do its part: {error}") from error
    elif customer.provider_id:
        logger.error("customer %s stays at the payment provider: no key", customer.provider_id)
    _clear(tenant_id)


def _end(customer: PaymentCustomer, now: datetime) -> None:
    """Expire pages, void invoices, pay back what was asked for; then delete the customer."""
    at, mine = asked_provider(), Payment.objects.filter(tenant_id=customer.tenant_id)
    is_paid = [Payment.State.PAID, Payment.State.PERSON]
    for invoice_id in mine.exclude(state__in=is_paid).values_list("invoice_id", flat=True):
        if invoice_id:  # a declined top-up's stays open if the call to void it failed
            at.void(invoice_id)
    for payment in mine.filter(state=Payment.State.BEGUN):
        if payment.session_id:
            at.end(payment.session_id)
        seen = follow(payment.id, now=now)
        if seen.state == Payment.State.BEGUN and (seen.session_id or seen.invoice_id):
            raise ValidationError("a payment by card is still open")
    asked = PaymentMovement.objects.filter(payment__in=mine, state=PaymentMovement.State.ASKED)
    for movement_id in list(asked.values_list("id", flat=True)):
        send(movement_id, now=now)
    if customer.provider_id:
        at.forget_customer(customer.provider_id)


@transaction.atomic
def _clear(tenant_id: UUID) -> None:
    mine = Payment.objects.filter(tenant_id=tenant_id)
    mine.update(**_empty(Payment))
    PaymentMovement.objects.filter(payment__in=mine).update(**_empty(PaymentMovement))
    customers = PaymentCustomer.objects.filter(tenant_id=tenant_id)
    customers.update(**_empty(PaymentCustomer), **OFF)


def _empty(model: type[Payment | PaymentMovement | PaymentCustomer]) -> dict[str, str | None]:
    """Return a model's personal columns as they are once erased."""
    fields = {field.name: field.null for field in model._meta.concrete_fields}  # noqa: SLF001 - Django's way to columns
    return {name: None if fields[name] else "" for name in model.PERSONAL}
