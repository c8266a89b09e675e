"""The end of an erased workspace's payments: first at the provider, then of what we keep.

Amounts, ids and invoice numbers stay: they are accounts. So do the provider's invoices, with name
and address, as the law asks.
"""

import logging
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from billing.models import Payment, PaymentCustomer, PaymentMovement
from billing.payments.port import ProviderError
from billing.selectors.office.payments import cards_on
from billing.services.office.automatic import OFF
from billing.services.office.pay_backs import send
from billing.services.office.payments import asked_provider, follow

logger = logging.getLogger(__name__)


def forget_payments(*, tenant_id: UUID, now: datetime) -> None:
    """Erase who paid, outside any transaction; safe to call again.

    Raises ValidationError until open payments have ended, money that goes back was asked for, and
    the provider has deleted the customer.
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
