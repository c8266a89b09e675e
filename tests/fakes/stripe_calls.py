"""Calls of Stripe's library: what was sent, held against the types of its parameters."""

import re
from typing import Any

import pytest
import stripe
from stripe import params
from stripe._api_requestor import _APIRequestor
from stripe.params import billing_portal, checkout, radar

from tests.fakes.held_to_stripe import check_params

TYPES = {
    "post /v1/billing_portal/configurations": billing_portal.ConfigurationCreateParams,
    "get /v1/billing_portal/configurations": billing_portal.ConfigurationListParams,
    "post /v1/billing_portal/sessions": billing_portal.SessionCreateParams,
    "post /v1/checkout/sessions": checkout.SessionCreateParams,
    "get /v1/checkout/sessions": checkout.SessionListParams,
    "get /v1/checkout/sessions/ID": checkout.SessionRetrieveParams,
    "post /v1/checkout/sessions/ID/expire": checkout.SessionExpireParams,
    "post /v1/credit_notes": params.CreditNoteCreateParams,
    "get /v1/credit_notes": params.CreditNoteListParams,
    "post /v1/customers": params.CustomerCreateParams,
    "get /v1/customers/ID": params.CustomerRetrieveParams,
    "post /v1/customers/ID": params.CustomerUpdateParams,
    "delete /v1/customers/ID": params.CustomerDeleteParams,
    "get /v1/customers/ID/payment_methods": params.CustomerPaymentMethodListParams,
    "get /v1/disputes": params.DisputeListParams,
    "get /v1/events": params.EventListParams,
    "post /v1/invoiceitems": params.InvoiceItemCreateParams,
    "post /v1/invoices": params.InvoiceCreateParams,
    "get /v1/invoices": params.InvoiceListParams,
    "get /v1/invoices/ID": params.InvoiceRetrieveParams,
    "delete /v1/invoices/ID": params.InvoiceDeleteParams,
    "post /v1/invoices/ID/finalize": params.InvoiceFinalizeInvoiceParams,
    "post /v1/invoices/ID/pay": params.InvoicePayParams,
    "post /v1/invoices/ID/void": params.InvoiceVoidInvoiceParams,
    "get /v1/invoice_payments": params.InvoicePaymentListParams,
    "get /v1/payment_intents/ID": params.PaymentIntentRetrieveParams,
    "get /v1/radar/early_fraud_warnings": radar.EarlyFraudWarningListParams,
    "post /v1/refunds": params.RefundCreateParams,
    "get /v1/charges/ID/refunds": params.RefundListParams,
    "get /v1/balance_transactions": params.BalanceTransactionListParams,
}
"""The parameters' type of each call."""


Asked = list[tuple[str, dict[str, Any]]]
"""Method and path of each call, with ID for ids, and its parameters."""


def note_calls(monkeypatch: pytest.MonkeyPatch, asked: Asked) -> None:
    """Note each call that the library makes from now on."""
    send = _APIRequestor.request

    def noted(
        self: Any, method: str, path: str, params: Any = None, *more: Any, **named: Any
    ) -> Any:
        name = re.sub(r"/[a-z]{2,4}_\w+", "/ID", f"{method} {path}")
        asked.append((name, dict(params or {})))
        return send(self, method, path, params, *more, **named)

    monkeypatch.setattr(_APIRequestor, "request", noted)


def check_calls(asked: Asked) -> None:
    """Fail unless every parameter is one of that call's."""
    for path, sent in asked:
        check_params(TYPES[path], sent)


def signed(body: str, *, secret: str, at: int | None = None) -> dict[str, str]:
    """The header of a webhook."""
    header = stripe.WebhookSignature.generate_signature_header(body, secret, at)
    return {"stripe-signature": header}
