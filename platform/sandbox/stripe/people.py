"""Customers, their tax ids and payment methods, and the portal."""

from typing import Final

from sandbox.stripe import forms, refusals
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import NO_ADDRESS, Thing, listed

_TEXTS: Final = ("business_name", "description", "email", "individual_name", "name", "phone")
_FEATURES: Final[Thing] = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": []},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {
        "duration": {"interval_options": [], "type": "indefinite"},
        "enabled": False,
    },
    "subscription_update": {
        "default_allowed_updates": [],
        "enabled": False,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}


def create(bank: Bank, params: Params) -> Thing:
    """Make a customer."""
    made = bank.add(
        "customer",
        invoice_prefix=f"SB{len(bank.kinds['customer']):06d}",
        invoice_settings=dict.fromkeys(
            ("custom_fields", "default_payment_method", "footer", "rendering_options")
        ),
        metadata={},
        next_invoice_sequence=1,
        tax_exempt="none",
    )
    made["tax_ids"] = listed([], f"/v1/customers/{made['id']}/tax_ids")
    _write(bank, made, params)
    for given in params.get("tax_id_data", []):
        add_tax_id(bank, given, made["id"])
    bank.tell("customer.created", made)
    return made


def customer(bank: Bank, name: str, param: str = "id", *, status: int = 404) -> Thing:
    """A customer that was not deleted."""
    found = bank.get("customer", name, param, status=status)
    if found.get("deleted"):
        raise refusals.unknown("customer", name, param, status=status)
    return found


def retrieve(bank: Bank, _: Params, name: str) -> Thing:
    """A customer; of a deleted one only that it is."""
    return bank.get("customer", name)


def update(bank: Bank, params: Params, name: str) -> Thing:
    """Change what was sent."""
    found = customer(bank, name)
    _write(bank, found, params)
    bank.tell("customer.updated", found)
    return found


def delete(bank: Bank, _: Params, name: str) -> Thing:
    """Delete a customer and forget its cards."""
    found = customer(bank, name)
    for paid_by in bank.of("payment_method", customer=name):
        detach(bank, {}, paid_by["id"])
    bank.tell("customer.deleted", found)
    gone = {"id": name, "object": "customer", "deleted": True}
    bank.kinds["customer"][name] = gone
    return gone


def _write(bank: Bank, found: Thing, params: Params) -> None:
    found |= {name: params[name] or None for name in _TEXTS if name in params}
    found["metadata"] = forms.merged(found["metadata"], params.get("metadata"))
    if "address" in params:
        found["address"] = {**NO_ADDRESS, **params["address"]} if params["address"] else None
    if "tax_exempt" in params:
        found["tax_exempt"] = params["tax_exempt"] or "none"
    settings = params.get("invoice_settings") or {}
    if (name := settings.get("default_payment_method")) is not None:
        param = "invoice_settings[default_payment_method]"
        if name and bank.get("payment_method", name, param)["customer"] != found["id"]:
            message = "The customer does not have a payment method with the ID " + name
            raise refusals.invalid(param, f"{message}. The payment method must be attached first.")
        found["invoice_settings"]["default_payment_method"] = name or None


def add_tax_id(bank: Bank, params: Params, name: str) -> Thing:
    """Add a tax id to a customer."""
    found = customer(bank, name)
    kind = forms.required(params, "type")
    made = bank.add(
        "tax_id",
        country=kind[:2].upper(),
        customer=name,
        owner={"customer": name, "type": "customer"},
        type=kind,
        value=forms.required(params, "value"),
        verification={"status": "pending", "verified_address": None, "verified_name": None},
    )
    found["tax_ids"]["data"].append(made["id"])
    return made


def tax_ids(bank: Bank, params: Params, name: str) -> Thing:
    """A customer's tax ids."""
    return bank.page("tax_id", params, f"/v1/customers/{name}/tax_ids", customer=name)


def delete_tax_id(bank: Bank, _: Params, name: str, tax_id: str) -> Thing:
    """Take a tax id from a customer."""
    del bank.kinds["tax_id"][bank.get("tax_id", tax_id)["id"]]
    customer(bank, name)["tax_ids"]["data"].remove(tax_id)
    return {"id": tax_id, "object": "tax_id", "deleted": True}


def methods(bank: Bank, params: Params, name: str) -> Thing:
    """A customer's saved payment methods."""
    customer(bank, name)
    url, kind = f"/v1/customers/{name}/payment_methods", params.get("type")
    return bank.page("payment_method", params, url, customer=name, type=kind)


def attach(bank: Bank, params: Params, name: str) -> Thing:
    """Save a payment method."""
    paid_by = bank.get("payment_method", name)
    paid_by["customer"] = customer(bank, forms.required(params, "customer"), status=400)["id"]
    bank.tell("payment_method.attached", paid_by)
    return paid_by


def detach(bank: Bank, _: Params, name: str) -> Thing:
    """Forget a saved payment method, which is then nobody's default."""
    paid_by = bank.get("payment_method", name)
    owner, paid_by["customer"] = paid_by["customer"], None
    if owner is None:
        message = "The payment method you provided is not attached to a customer so detachment"
        raise refusals.Refusal(f"{message} is impossible.")
    settings = bank.kinds["customer"][owner]["invoice_settings"]
    if settings["default_payment_method"] == name:
        settings["default_payment_method"] = None
    bank.tell("payment_method.detached", paid_by, customer=owner)
    return paid_by


def configure_portal(bank: Bank, params: Params) -> Thing:
    """Say what the portal offers."""
    forms.required(params, "features")
    profile = params.get("business_profile") or {}
    names = ("headline", "privacy_policy_url", "terms_of_service_url")
    features = {name: dict(feature) for name, feature in _FEATURES.items()}
    for name, wanted in params["features"].items():
        features[name]["enabled"] = wanted.get("enabled") == "true"
        if "allowed_updates" in wanted:
            features[name]["allowed_updates"] = wanted["allowed_updates"]
    return bank.add(
        "billing_portal.configuration",
        active=True,
        business_profile={name: profile.get(name) for name in names},
        default_return_url=params.get("default_return_url"),
        features=features,
        is_default=False,
        login_page={"enabled": False, "url": None},
        metadata=forms.merged(None, params.get("metadata")),
        name=params.get("name"),
        updated=bank.now(),
    )


def open_portal(bank: Bank, params: Params) -> Thing:
    """Give an address of the portal for one customer."""
    owner = customer(bank, forms.required(params, "customer"), "customer", status=400)
    chosen = bank.named("billing_portal.configuration", params, "configuration")
    if chosen is None:
        if not (made := bank.of("billing_portal.configuration")):
            message = "No configuration provided and your test mode default has not been created."
            raise refusals.Refusal(message)
        chosen = made[0]
    opened = bank.add(
        "billing_portal.session",
        configuration=chosen["id"],
        customer=owner["id"],
        return_url=params.get("return_url"),
    )
    opened["url"] = f"{bank.origin}/stripe/pay/{opened['id']}"
    return opened
