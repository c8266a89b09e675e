"""Customers, their tax ids and saved payment methods, and the portal."""

from typing import Final

from sandbox.stripe import forms
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing, listed

_TEXTS: Final = "business_name description email individual_name name phone"
_ADDRESS: Final = "city country line1 line2 postal_code state"


def create(bank: Bank, params: Params) -> Thing:
    made = bank.add("customer", invoice_prefix=f"SB{len(bank.kinds['customer']):06d}")
    made["tax_ids"] = listed([], f"/v1/customers/{made['id']}/tax_ids")
    _write(bank, made, params)
    for given in params.get("tax_id_data", []):
        add_tax_id(bank, given, made["id"])
    bank.tell("customer.created", made)
    return made


def update(bank: Bank, params: Params, name: str) -> Thing:
    found = bank.get("customer", name, "customer")
    _write(bank, found, params)
    bank.tell("customer.updated", found)
    return found


def _write(bank: Bank, found: Thing, params: Params) -> None:
    found |= {name: params[name] or None for name in _TEXTS.split() if name in params}
    found["metadata"] = forms.metadata(params, found["metadata"])
    if address := params.get("address"):
        found["address"] = forms.taken(address, _ADDRESS)
    elif "address" in params:
        found["address"] = None
    settings = params.get("invoice_settings") or {}
    if chosen := settings.get("default_payment_method"):
        if bank.get("payment_method", chosen)["customer"] != found["id"]:
            raise Refusal("The payment method must be attached first.", param="invoice_settings")
        found["invoice_settings"]["default_payment_method"] = chosen


def delete(bank: Bank, _: Params, name: str) -> Thing:
    """Delete a customer and forget its cards."""
    found = bank.get("customer", name, "customer")
    for paid_by in bank.of("payment_method", customer=name):
        detach(bank, {}, paid_by["id"])
    bank.tell("customer.deleted", found)
    bank.kinds["customer"][name] = {"id": name, "object": "customer", "deleted": True}
    return bank.kinds["customer"][name]


def add_tax_id(bank: Bank, params: Params, name: str) -> Thing:
    found, kind = bank.get("customer", name, "customer"), params["type"]
    facts = {"country": kind[:2].upper(), "owner": {"customer": name, "type": "customer"}}
    made = bank.add("tax_id", customer=name, type=kind, value=params["value"], **facts)
    found["tax_ids"]["data"].append(made["id"])
    return made


def tax_ids(bank: Bank, params: Params, name: str) -> Thing:
    return bank.page("tax_id", params | {"customer": name}, "tax_ids", ["customer"])


def delete_tax_id(bank: Bank, _: Params, name: str, tax_id: str) -> Thing:
    del bank.kinds["tax_id"][bank.get("tax_id", tax_id)["id"]]
    bank.get("customer", name)["tax_ids"]["data"].remove(tax_id)
    return {"id": tax_id, "object": "tax_id", "deleted": True}


def methods(bank: Bank, params: Params, name: str) -> Thing:
    """A customer's saved payment methods."""
    bank.get("customer", name, "customer")
    return bank.page("payment_method", params | {"customer": name}, "methods", ["customer"])


def attach(bank: Bank, params: Params, name: str) -> Thing:
    paid_by = bank.get("payment_method", name)
    paid_by["customer"] = bank.get("customer", params["customer"], "customer")["id"]
    bank.tell("payment_method.attached", paid_by)
    return paid_by


def detach(bank: Bank, _: Params, name: str) -> Thing:
    """Forget a saved payment method, which is then nobody's default."""
    paid_by = bank.get("payment_method", name)
    settings = bank.get("customer", paid_by["customer"], "customer")["invoice_settings"]
    if settings["default_payment_method"] == name:
        settings["default_payment_method"] = None
    paid_by["customer"] = None
    bank.tell("payment_method.detached", paid_by)
    return paid_by


def configure_portal(bank: Bank, params: Params) -> Thing:
    facts = forms.taken(params, "default_return_url name")
    kind, now = "billing_portal.configuration", bank.now()
    made = bank.add(kind, metadata=forms.metadata(params), updated=now, **facts)
    made["business_profile"] |= params.get("business_profile", {})
    for name, wanted in params["features"].items():
        made["features"][name]["enabled"] = wanted.get("enabled") == "true"
        if "allowed_updates" in wanted:
            made["features"][name]["allowed_updates"] = wanted["allowed_updates"] or []
    return made


def open_portal(bank: Bank, params: Params) -> Thing:
    """Give the portal's address for one customer."""
    facts = forms.taken(params, "customer configuration return_url")
    bank.get("customer", facts["customer"], "customer")
    bank.get("billing_portal.configuration", facts["configuration"], "configuration")
    opened = bank.add("billing_portal.session", **facts)
    opened["url"] = f"{bank.origin}/stripe/pay/{opened['id']}"
    return opened
