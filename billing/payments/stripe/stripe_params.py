"""What Stripe is asked for: parameters, by the types of its library. Tax comes on top."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from billing.payments.port import Checkout, CustomerDetails
from billing.payments.stripe.stripe_objects import PAYMENT, TENANT

if TYPE_CHECKING:
    from stripe import Customer
    from stripe.params import CustomerUpdateParams, InvoiceCreateParams, InvoiceItemCreateParams
    from stripe.params.billing_portal import ConfigurationCreateParams
    from stripe.params.checkout import SessionCreateParams

PRODUCT = "Prepaid balance"
_PARTS = ("city", "country", "postal_code", "state")
PORTAL = "pictor_portal"
"""Marks the portal's configuration."""


def session(checkout: Checkout, tax_code: str) -> "SessionCreateParams":
    metadata = {PAYMENT: str(checkout.payment_id), TENANT: str(checkout.tenant_id)}
    price: Any = {
        "currency": "usd",
        "unit_amount": checkout.cents,
        "product_data": {"name": PRODUCT},
    }
    params: SessionCreateParams = {
        "mode": "payment",
        "customer": checkout.customer,
        "client_reference_id": str(checkout.payment_id),
        "metadata": metadata,
        "allowed_payment_method_types": ["card"],
        "line_items": [{"quantity": 1, "price_data": price}],
        "payment_intent_data": {"metadata": metadata},
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": metadata}},
        "adaptive_pricing": {"enabled": False},
        "allow_promotion_codes": False,
        "expires_at": int(checkout.expires_at.timestamp()),
        "success_url": checkout.success_url,
        "cancel_url": checkout.cancel_url,
    }
    if checkout.keeps_card:
        params["payment_intent_data"]["setup_future_usage"] = "off_session"
    if tax_code:
        price |= {"tax_behavior": "exclusive"}
        price["product_data"]["tax_code"] = tax_code
        params["automatic_tax"] = {"enabled": True}
        params["tax_id_collection"] = {"enabled": True}
        params["customer_update"] = {"address": "auto", "name": "auto"}  # both demand it
    return params


def customer(
    details: CustomerDetails, tax_code: str, known: "Customer.Address | None"
) -> "CustomerUpdateParams":
    """Return a customer's details; an empty word takes out what is there.

    Stripe Tax needs an address in parts, which Checkout asks for: of a `known` one they stay.
    """
    fields = {"Tax ID": details.tax_id, "Purchase order": details.purchase_order}
    printed: Any = [{"name": name, "value": value} for name, value in fields.items() if value]
    params: CustomerUpdateParams = {
        "name": details.name,
        "email": details.email,
        "metadata": {TENANT: str(details.tenant_id)},
        "invoice_settings": {"custom_fields": printed or ""},
    }
    line1, *rest = details.address.splitlines() or [""]
    address: Any = {name: getattr(known, name) for name in _PARTS if getattr(known, name, None)}
    if line1:
        params["address"] = address | {"line1": line1, "line2": ", ".join(rest)}
    elif not tax_code:
        params["address"] = ""
    return params


def invoice(payment_id: UUID, customer: str, tax_code: str) -> "InvoiceCreateParams":
    return {
        "customer": customer,
        "currency": "usd",
        "auto_advance": False,
        "collection_method": "charge_automatically",
        "pending_invoice_items_behavior": "exclude",
        "payment_settings": {"payment_method_types": ["card"]},
        "automatic_tax": {"enabled": bool(tax_code)},
        "metadata": {PAYMENT: str(payment_id)},
    }


def invoice_item(
    invoice: str, customer: str, cents: int, tax_code: str
) -> "InvoiceItemCreateParams":
    params: InvoiceItemCreateParams = {
        "customer": customer,
        "invoice": invoice,
        "amount": cents,
        "currency": "usd",
        "description": PRODUCT,
    }
    if tax_code:
        params |= {"tax_behavior": "exclusive", "tax_code": tax_code}
    return params


def portal() -> "ConfigurationCreateParams":
    """Return a portal with invoices and cards; billing details are ours to change."""
    return {
        "features": {
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
        },
        "metadata": {PORTAL: "1"},
    }
