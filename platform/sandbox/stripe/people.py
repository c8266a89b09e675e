"""Customers, their saved cards, and the portal."""

from typing import Final

from sandbox.stripe import forms
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing

_TEXTS: Final = ("business_name", "description", "email", "individual_name", "name", "phone")
_ADDRESS: Final = "city country line1 line2 postal_code state"


def create(bank: Bank, params: Params) -> Thing:
    made = bank.add("customer", invoice_prefix=f"SB{len(bank.kinds['customer']):06d}")
    return _write(bank, made, params, "customer.created")


def update(bank: Bank, params: Params, name: str) -> Thing:
    return _write(bank, bank.get("customer", name, "customer"), params, "customer.updated")


def _write(bank: Bank, found: Thing, params: Params, event: str) -> Thing:
    found |= {name: params[name] or None for name in _TEXTS if name in params}
    found["metadata"] = forms.metadata(params, found["metadata"])
    if "address" in params:
        address = params["address"]
        found["address"] = forms.taken(address, _ADDRESS) if address else None
    settings = params.get("invoice_settings") or {}
    if chosen := settings.get("default_payment_method"):
        if bank.get("payment_method", chosen, "invoice_settings")["customer"] != found["id"]:
            raise Refusal("The payment method must be attached first.", param="invoice_settings")
        found["invoice_settings"]["default_payment_method"] = chosen
    if "custom_fields" in settings:
        found["invoice_settings"]["custom_fields"] = settings["custom_fields"] or None
    bank.tell(event, found)
    return found


def delete(bank: Bank, _: Params, name: str) -> Thing:
    """Delete a customer and forget its cards."""
    found = bank.get("customer", name, "customer")
    for paid_by in bank.of("payment_method", customer=name):
        paid_by["customer"] = None
    bank.tell("customer.deleted", found)
    bank.kinds["customer"][name] = {"id": name, "object": "customer", "deleted": True}
    return bank.kinds["customer"][name]


def methods(bank: Bank, params: Params, name: str) -> Thing:
    """A customer's saved payment methods."""
    bank.get("customer", name, "customer")
    path = f"customers/{name}/payment_methods"
    return bank.page("payment_method", params | {"customer": name}, path, ["customer"])


def configure_portal(bank: Bank, params: Params) -> Thing:
    kind, now, metadata = "billing_portal.configuration", bank.now(), forms.metadata(params)
    made = bank.add(kind, metadata=metadata, updated=now, **forms.taken(params, "name"))
    for name in params["features"]:
        made["features"][name]["enabled"] = forms.is_on(params["features"], name)
    return made


def open_portal(bank: Bank, params: Params) -> Thing:
    """Give the portal's address for one customer."""
    facts = forms.taken(params, "customer configuration return_url")
    bank.get("customer", facts["customer"], "customer")
    bank.get("billing_portal.configuration", facts["configuration"], "configuration")
    opened = bank.add("billing_portal.session", **facts)
    opened["url"] = f"{bank.origin}/stripe/pay/{opened['id']}"
    return opened
