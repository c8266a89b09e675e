"""Checkout Sessions: made, shown, paid, expired.

Tax is 20 % and comes on top, unless a price says that it is inside.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.stripe import forms, invoices, money, people
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import NO_ADDRESS, Thing, automatic_tax, listed, make, new_id
from sandbox.stripe.refusals import Refusal, invalid

_LEAST_SECONDS: Final = 30 * 60
_MOST_SECONDS: Final = 24 * 3600
_LEAST_CENTS: Final = 50
_MOST_CENTS: Final = 99_999_999
CARDS: Final[dict[str, tuple[str, Thing]]] = {
    "paid": ("4242", money.PAYS),
    "declined": ("0002", {"behaviour": "generic_decline"}),
    "3ds": ("3220", {"behaviour": "requires_action"}),
    "later": ("6789", {"behaviour": "later"}),
}
"""How a payment goes, by the button; the last four digits of what is paid by."""
WAYS: Final = (*CARDS, "authenticated", "failed")
"""What can be chosen on the page, there and after a demand of 3-D Secure."""


def create(bank: Bank, params: Params) -> Thing:
    """Make a session for one payment."""
    _check(params)
    expires_at = _expiry(bank, params)
    name = params.get("customer")
    owner = people.customer(bank, name, "customer", status=400) if name else None
    _check_customer(params, owner)
    made = bank.add(
        "checkout.session",
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        currency=params["line_items"][0]["price_data"]["currency"],
        customer=name,
        customer_email=params.get("customer_email"),
        expires_at=expires_at,
        invoice_creation=_invoice_creation(params),
        metadata=forms.merged(None, params.get("metadata")),
        mode="payment",
        success_url=params["success_url"],
        tax_id_collection={
            "enabled": forms.is_on(params, "tax_id_collection"),
            "required": "never",
        },
    )
    made["url"] = f"{bank.origin}/stripe/pay/{made['id']}"
    bank.asked[made["id"]] = params
    _sum(bank, made, is_known=bool((owner or {}).get("address")))
    return made


def _check(params: Params) -> None:
    if "payment_method_types" in params:
        message = "Received unknown parameter: payment_method_types"
        raise invalid("payment_method_types", message, "parameter_unknown")
    if forms.required(params, "mode") != "payment":
        raise invalid("mode", "The sandbox knows only mode `payment`.")
    forms.required(params, "success_url")
    for name in {"success_url", "cancel_url"} & set(params):
        parts = urlsplit(params[name])
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise invalid(name, "Not a valid URL", "url_invalid")
    items = forms.required(params, "line_items")
    total = sum(_price_of(item) for item in items)
    if not _LEAST_CENTS <= total <= _MOST_CENTS:
        code = "amount_too_small" if total < _LEAST_CENTS else "amount_too_large"
        bounds = "at least $0.50 usd and at most $999,999.99 usd"
        message = f"The Checkout Session's total amount due must add up to {bounds}"
        raise invalid("line_items", message, code)


def _price_of(item: Params) -> int:
    price = forms.required(item, "price_data")
    forms.required(price, "currency")
    forms.required(forms.required(price, "product_data"), "name")
    return forms.whole(price, "unit_amount") * forms.whole(item, "quantity")


def _expiry(bank: Bank, params: Params) -> int:
    now = bank.now()
    expires_at = forms.whole(params, "expires_at", now + _MOST_SECONDS)
    message = "The `expires_at` timestamp must be "
    if expires_at < now + _LEAST_SECONDS:
        message += "at least 30 minutes after Checkout Session creation."
        raise invalid("expires_at", message)
    if expires_at > now + _MOST_SECONDS:
        raise invalid("expires_at", message + "less than 24 hours from Checkout Session creation.")
    return expires_at


def _check_customer(params: Params, owner: Thing | None) -> None:
    update = params.get("customer_update") or {}
    if owner is None:
        if update:
            message = "`customer_update` can only be used with `customer`."
            raise invalid("customer_update", message)
        return
    if "customer_email" in params:
        message = "You may only specify one of these parameters: customer, customer_email."
        raise invalid("customer_email", message)
    if forms.is_on(params, "tax_id_collection") and update.get("name") != "auto":
        message = "Tax ID collection requires updating business name on the customer. To enable"
        message += " tax ID collection for an existing customer, please set"
        raise invalid("tax_id_collection", f"{message} `customer_update[name]` to `auto`.")
    has_place = owner["address"] or "auto" in {update.get("address"), update.get("shipping")}
    if forms.is_on(params, "automatic_tax") and not has_place:
        message = "Automatic tax calculation in Checkout requires a valid address on the Customer."
        message += " Add a valid address to the Customer or set either `customer_update[address]`"
        message += " to 'auto' or `customer_update[shipping]` to 'auto'."
        raise invalid("automatic_tax", message, "customer_tax_location_invalid")


def _invoice_creation(params: Params) -> Thing:
    wanted = params.get("invoice_creation") or {}
    data = wanted.get("invoice_data") or {}
    names = ("account_tax_ids", "custom_fields", "description", "footer", "issuer")
    facts = {name: data.get(name) for name in (*names, "rendering_options")}
    metadata = forms.merged(None, data.get("metadata"))
    is_on = forms.is_on(params, "invoice_creation")
    return {"enabled": is_on, "invoice_data": {**facts, "metadata": metadata}}


def _sum(bank: Bank, session: Thing, *, is_known: bool) -> None:
    """Write the lines and the sums; tax is known when the customer's place is."""
    params = bank.asked[session["id"]]
    is_on = forms.is_on(params, "automatic_tax")
    items = [_item(item, has_tax=is_on and is_known) for item in params["line_items"]]
    session["line_items"] = listed(items, f"/v1/checkout/sessions/{session['id']}/line_items")
    session["automatic_tax"] = automatic_tax(is_on=is_on, is_known=is_known)
    for name in ("amount_subtotal", "amount_total"):
        session[name] = sum(item[name] for item in items)
    tax = sum(item["amount_tax"] for item in items)
    session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax}


def _item(item: Params, *, has_tax: bool) -> Thing:
    given = item["price_data"]
    amount, behaviour = _price_of(item), given.get("tax_behavior", "exclusive")
    is_inside = behaviour == "inclusive"
    tax = invoices.tax_of(amount, inclusive=is_inside) if has_tax else 0
    price = make(
        "price",
        active=False,
        billing_scheme="per_unit",
        created=0,
        currency=given["currency"],
        metadata={},
        product=new_id("prod"),
        tax_behavior=behaviour,
        type="one_time",
        unit_amount=int(given["unit_amount"]),
        unit_amount_decimal=given["unit_amount"],
    )
    return make(
        "item",
        adjustable_quantity=None,
        amount_discount=0,
        amount_subtotal=amount,
        amount_tax=tax,
        amount_total=amount if is_inside else amount + tax,
        currency=given["currency"],
        description=given["product_data"]["name"],
        metadata={},
        price=price,
        quantity=int(item["quantity"]),
    )


def expire(bank: Bank, _: Params, name: str) -> Thing:
    """End an open session."""
    session = bank.get("checkout.session", name)
    if session["status"] != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise Refusal(f"{message} This Checkout Session has a status of `{session['status']}`.")
    session |= {"status": "expired", "url": None}
    if (paying := bank.kinds["payment_intent"].get(session["payment_intent"] or "")) is not None:
        invoices.cancel(bank, paying, "automatic")
    bank.tell("checkout.session.expired", session)
    return session


def expire_old(bank: Bank) -> None:
    """End the sessions whose time is over."""
    now = bank.now()
    for session in bank.of("checkout.session", status="open"):
        if session["expires_at"] <= now:
            expire(bank, {}, session["id"])


def pay(bank: Bank, session: Thing, way: str) -> None:
    """Do what was chosen on the page; a session that is not open stays as it is."""
    if session["status"] != "open":
        return
    if way in CARDS:
        last4, manner = CARDS[way]
        paying = _intent(bank, session)
        kind = "us_bank_account" if way == "later" else "card"
        money.attempt(bank, paying, money.method(bank, kind, last4), manner)
        session["payment_method_types"] = [kind]
    else:
        paying = bank.get("payment_intent", session["payment_intent"] or "")
        end_3ds(bank, paying, way)
    if paying["status"] in {"succeeded", "processing"}:
        _complete(bank, session, paying)


def end_3ds(bank: Bank, paying: Thing, way: str) -> None:
    """Authenticate, or fail to, a payment that waits for it."""
    if paying["status"] == "requires_action":
        (money.take if way == "authenticated" else money.not_authenticated)(bank, paying)


def _intent(bank: Bank, session: Thing) -> Thing:
    """The session's PaymentIntent, made at the first try to pay."""
    if session["payment_intent"] is not None:
        return bank.get("payment_intent", session["payment_intent"])
    asked = bank.asked[session["id"]]
    data = asked.get("payment_intent_data") or {}
    if session["customer"] is None and session["invoice_creation"]["enabled"]:
        session["customer"] = people.create(bank, {"email": session["customer_email"]})["id"]
    _sum(bank, session, is_known=True)
    names = ("description", "receipt_email", "setup_future_usage", "statement_descriptor_suffix")
    facts: dict[str, Any] = {name: data.get(name) for name in names}
    facts["metadata"] = forms.merged(None, data.get("metadata"))
    paying = money.intent(bank, session, session["amount_total"], **facts)
    session["payment_intent"] = paying["id"]
    return paying


def _complete(bank: Bank, session: Thing, paying: Thing) -> None:
    owner = bank.kinds["customer"].get(session["customer"] or "", {})
    address = owner.get("address") or {**NO_ADDRESS, "country": "US", "postal_code": "10001"}
    session["customer_details"] = {
        **{name: owner.get(name) for name in ("business_name", "individual_name", "phone")},
        "address": address,
        "email": owner.get("email") or session["customer_email"] or "payer@example.com",
        "name": owner.get("name") or "Jenny Rosen",
        "tax_exempt": owner.get("tax_exempt", "none"),
        "tax_ids": [],
    }
    update = bank.asked[session["id"]].get("customer_update") or {}
    if update.get("address") == "auto" and owner:
        owner["address"] = address
    if paying["setup_future_usage"] and owner:
        people.attach(bank, {"customer": owner["id"]}, paying["payment_method"])
    session |= {"status": "complete", "url": None}
    _book(bank, session, paying)
    bank.tell("checkout.session.completed", session)


def _book(bank: Bank, session: Thing, paying: Thing) -> None:
    if paying["status"] == "succeeded":
        session["payment_status"] = "paid"
        if session["invoice_creation"]["enabled"]:
            session["invoice"] = invoices.of_session(bank, session, paying)["id"]


def settle(bank: Bank, session: Thing, *, is_paid: bool) -> None:
    """End a payment that was to come later."""
    paying = bank.get("payment_intent", session["payment_intent"] or "")
    if is_paid:
        money.take(bank, paying)
        _book(bank, session, paying)
        bank.tell("checkout.session.async_payment_succeeded", session)
    else:
        money.decline(bank, paying, "insufficient_funds")
        bank.tell("checkout.session.async_payment_failed", session)
