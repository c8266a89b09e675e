"""Stripe's objects with all their fields, as of API version 2026-10-28.endive.

What is not said of an object is null, as it is there. Amounts are cents.
"""

import secrets
from copy import deepcopy
from typing import Any, Final

VERSION: Final = "2026-10-28.endive"
Thing = dict[str, Any]

PREFIXES: Final = {
    "balance_transaction": "txn",
    "billing_portal.configuration": "bpc",
    "billing_portal.session": "bps",
    "charge": "ch",
    "checkout.session": "cs_test",
    "credit_note": "cn",
    "credit_note_line_item": "cnli",
    "customer": "cus",
    "dispute": "du",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "invoiceitem": "ii",
    "item": "li",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "price": "price",
    "radar.early_fraud_warning": "issfr",
    "refund": "re",
    "tax_id": "txi",
}
_NULL: Final = {
    "balance_transaction": "description exchange_rate source",
    "billing_portal.configuration": "application default_return_url name",
    "billing_portal.session": "customer_account flow locale on_behalf_of return_url",
    "charge": "application application_fee application_fee_amount balance_transaction"
    " calculated_statement_descriptor customer description failure_balance_transaction"
    " failure_code failure_message on_behalf_of outcome payment_intent payment_method"
    " payment_method_details receipt_email receipt_number receipt_url review shipping source"
    " source_transfer statement_descriptor statement_descriptor_suffix transfer_data"
    " transfer_group",
    "checkout.session": "after_expiration allow_promotion_codes allowed_payment_method_types"
    " amount_subtotal amount_total billing_address_collection cancel_url client_reference_id"
    " client_secret collected_information consent consent_collection currency"
    " currency_conversion customer customer_account customer_creation customer_details"
    " customer_email invoice invoice_creation locale payment_intent payment_link"
    " payment_method_collection payment_method_configuration_details payment_method_options"
    " permissions recovered_from saved_payment_method_options setup_intent"
    " shipping_address_collection shipping_cost submit_type subscription success_url url"
    " wallet_options",
    "credit_note": "customer_account customer_balance_transaction effective_at memo"
    " out_of_band_amount reason shipping_cost voided_at",
    "credit_note_line_item": "description invoice_line_item quantity unit_amount"
    " unit_amount_decimal",
    "customer": "address business_name currency customer_account default_source description"
    " discount email individual_name name phone shipping test_clock",
    "dispute": "network_reason_code payment_intent payment_method_details",
    "event": "context request",
    "invoice": "account_country account_name account_tax_ids application"
    " automatically_finalizes_at confirmation_secret custom_fields customer customer_account"
    " customer_address customer_email customer_name customer_phone customer_shipping"
    " default_payment_method default_source description due_date effective_at ending_balance"
    " footer from_invoice hosted_invoice_url invoice_pdf last_finalization_error"
    " latest_revision next_payment_attempt number on_behalf_of parent receipt_number rendering"
    " shipping_cost shipping_details statement_descriptor test_clock webhooks_delivered_at",
    "invoice_payment": "amount_paid",
    "invoiceitem": "customer_account description invoice parent pricing test_clock",
    "item": "description price quantity",
    "line_item": "description invoice parent pricing quantity quantity_decimal subscription",
    "payment_intent": "allowed_payment_method_types application application_fee_amount"
    " automatic_payment_methods canceled_at cancellation_reason client_secret customer"
    " customer_account description excluded_payment_method_types last_payment_error"
    " latest_charge next_action on_behalf_of payment_method"
    " payment_method_configuration_details processing receipt_email review setup_future_usage"
    " shipping source statement_descriptor statement_descriptor_suffix transfer_data"
    " transfer_group",
    "payment_method": "customer customer_account",
    "price": "custom_unit_amount lookup_key nickname recurring tax_behavior tiers_mode"
    " transform_quantity",
    "refund": "balance_transaction charge description failure_reason payment_intent"
    " reason receipt_number source_transfer_reversal transfer_reversal",
    "tax_id": "customer customer_account",
}
_EMPTY: Final[dict[str, Thing]] = {
    "charge": {"fraud_details": {}, "radar_options": {}},
    "checkout.session": {
        "adaptive_pricing": {"enabled": False},
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "discounts": [],
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "ui_mode": "hosted_page",
    },
    "credit_note": {
        "amount_shipping": 0,
        "discount_amount": 0,
        "discount_amounts": [],
        "pre_payment_amount": 0,
        "pretax_credit_amounts": [],
        "status": "issued",
        "type": "post_payment",
    },
    "credit_note_line_item": {
        "discount_amount": 0,
        "discount_amounts": [],
        "pretax_credit_amounts": [],
        "tax_rates": [],
    },
    "customer": {"balance": 0, "delinquent": False, "preferred_locales": []},
    "invoice": {
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "billing_reason": "manual",
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "payment_settings": dict.fromkeys(
            ("default_mandate", "payment_method_options", "payment_method_types")
        ),
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "draft",
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
    },
    "invoiceitem": {"discountable": True, "discounts": [], "proration": False, "tax_rates": []},
    "line_item": {
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "pretax_credit_amounts": [],
    },
    "payment_intent": {
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    },
    "payment_method": {"allow_redisplay": "limited"},
}
_MODELESS: Final = {"item", "refund", "balance_transaction"}
"""These do not say whether they are real."""
NO_ADDRESS: Final = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def new_id(prefix: str) -> str:
    """An id that nobody has."""
    return f"{prefix}_{secrets.token_hex(12)}"


def make(kind: str, **facts: Any) -> Thing:
    """An object of that kind."""
    thing: Thing = {"id": new_id(PREFIXES[kind]), "object": kind}
    thing |= dict.fromkeys(_NULL.get(kind, "").split())
    if kind not in _MODELESS:
        thing["livemode"] = False
    return thing | deepcopy(_EMPTY.get(kind, {})) | facts


def listed(data: list[Any], url: str, *, has_more: bool = False) -> Thing:
    """A list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def taxed(taxable: int, tax: int, *, inclusive: bool = False) -> list[Thing]:
    """The taxes of an invoice, of one of its lines or of a credit note."""
    if not tax:
        return []
    return [
        {
            "amount": tax,
            "tax_behavior": "inclusive" if inclusive else "exclusive",
            "tax_rate_details": {"tax_rate": "txr_sandbox20"},
            "taxability_reason": "standard_rated",
            "taxable_amount": taxable,
            "type": "tax_rate_details",
        }
    ]


def automatic_tax(*, is_on: bool, is_known: bool = True) -> Thing:
    """Whether tax is added, and whether the customer's place is known."""
    status = ("complete" if is_known else "requires_location_inputs") if is_on else None
    return {
        "enabled": is_on,
        "liability": {"type": "self"} if is_on else None,
        "provider": "stripe" if is_on else None,
        "status": status,
    }
