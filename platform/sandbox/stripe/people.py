"""Customers, their saved cards, and the portal."""

from sandbox.stripe import forms
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing, write


def create(bank: Bank, params: Params) -> Thing:
    made = bank.add("customer", {}, invoice_prefix=f"SB{len(bank.kinds['customer']):06d}")
    return _write(bank, made, params, "customer.created")


def update(bank: Bank, params: Params, name: str) -> Thing:
    return _write(bank, bank.get("customer", name, "customer"), params, "customer.updated")


def _write(bank: Bank, found: Thing, params: Params, event: str) -> Thing:
    settings = params.get("invoice_settings") or {}
    if (chosen := settings.get("default_payment_method")) and chosen not in [
        card["id"] for card in bank.of("payment_method", customer=found["id"])
    ]:
        raise Refusal("The payment method must be attached first.", param="invoice_settings")
    found["invoice_settings"] |= {name: value or None for name, value in settings.items()}
    write(found, params)
    return bank.tell(event, found)


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
    return bank.page("payment_method", params | {"customer": name}, path)


def configure_portal(bank: Bank, params: Params) -> Thing:
    made = bank.add("billing_portal.configuration", params, updated=bank.now())
    for name in params["features"]:
        made["features"][name]["enabled"] = forms.is_on(params["features"], name)
    return made


def open_portal(bank: Bank, params: Params) -> Thing:
    """Give the portal's address for one customer."""
    bank.get("customer", params["customer"], "customer")
    bank.get("billing_portal.configuration", params["configuration"], "configuration")
    opened = bank.add("billing_portal.session", params)
    opened["url"] = bank.page_of(opened)
    return opened
