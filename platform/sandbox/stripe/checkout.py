"""Checkout Sessions: made, paid, expired. Tax is 20 % on top, where it is asked for."""

from typing import Final

from sandbox.stripe import forms, invoices, money, people
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing, automatic_tax, listed, make, new_id

_SECONDS: Final = range(30 * 60, 24 * 3600 + 1)
_CENTS: Final = range(50, 100_000_000)
_TAKEN: Final = "allowed_payment_method_types cancel_url client_reference_id customer success_url"
_OF_INTENT: Final = "description receipt_email setup_future_usage statement_descriptor_suffix"
_OF_INVOICE: Final = "account_tax_ids custom_fields description footer issuer rendering_options"


def create(bank: Bank, params: Params) -> Thing:
    """Make a session for one payment."""
    now, name = bank.now(), params.get("customer")
    owner = bank.get("customer", name, "customer") if name else None
    expires_at = int(params.get("expires_at", now + _SECONDS[-1]))
    _check(params, owner, expires_at - now)
    made = bank.add(
        "checkout.session",
        currency=params["line_items"][0]["price_data"]["currency"],
        expires_at=expires_at,
        metadata=forms.metadata(params),
        customer_email=params.get("customer_email"),
        **forms.taken(params, _TAKEN),
    )
    invoice = params.get("invoice_creation") or {}
    data = invoice.get("invoice_data") or {}
    facts = forms.taken(data, _OF_INVOICE) | {"metadata": forms.metadata(data)}
    made["invoice_creation"] = {"enabled": invoice.get("enabled") == "true", "invoice_data": facts}
    made["tax_id_collection"]["enabled"] = forms.is_on(params, "tax_id_collection")
    made["url"] = f"{bank.origin}/stripe/pay/{made['id']}"
    bank.asked[made["id"]] = params
    _sum(bank, made, is_known=bool(owner and owner["address"]))
    return made


def _check(params: Params, owner: Thing | None, seconds: int) -> None:
    update, cents = params.get("customer_update") or {}, sum(map(_price, params["line_items"]))
    has_place = owner is None or owner["address"] or update.get("address") == "auto"
    has_tax, has_tax_ids = (forms.is_on(params, f) for f in ("automatic_tax", "tax_id_collection"))
    urls = [params["success_url"], params.get("cancel_url", "https://")]
    for is_wrong, param, code in (
        ("payment_method_types" in params, "payment_method_types", "parameter_unknown"),
        (params["mode"] != "payment", "mode", "parameter_unknown"),
        (
            not all(url.startswith(("http://", "https://")) for url in urls),
            "success_url",
            "url_invalid",
        ),
        (cents < _CENTS.start, "line_items", "amount_too_small"),
        (cents >= _CENTS.stop, "line_items", "amount_too_large"),
        # 30 minutes to 24 hours from now
        (seconds not in _SECONDS, "expires_at", None),
        (update and owner is None, "customer_update", None),
        (owner and "customer_email" in params, "customer_email", None),
        # these two demand `customer_update` for a customer that is there
        (has_tax and not has_place, "automatic_tax", "customer_tax_location_invalid"),
        (has_tax_ids and owner and update.get("name") != "auto", "tax_id_collection", None),
    ):
        if is_wrong:
            raise Refusal(f"Invalid for a Checkout Session: {param}", param=param, code=code)


def _price(item: Params) -> int:
    return int(item["price_data"]["unit_amount"]) * int(item["quantity"])


def _sum(bank: Bank, session: Thing, *, is_known: bool) -> None:
    """Write the lines and the sums; tax is known when the customer's place is."""
    params = bank.asked[session["id"]]
    is_on = forms.is_on(params, "automatic_tax")
    items = [_item(item, has_tax=is_on and is_known) for item in params["line_items"]]
    session["line_items"] = listed(items, f"/v1/checkout/sessions/{session['id']}/line_items")
    session["automatic_tax"] = automatic_tax(is_on=is_on, is_known=is_known)
    net, tax = (sum(item[name] for item in items) for name in ("amount_subtotal", "amount_tax"))
    session |= {"amount_subtotal": net, "amount_total": net + tax}
    session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax}


def _item(item: Params, *, has_tax: bool) -> Thing:
    price, net = item["price_data"], _price(item)
    tax, currency = invoices.tax_on(net) if has_tax else 0, price["currency"]
    cents = {"unit_amount": int(price["unit_amount"]), "unit_amount_decimal": price["unit_amount"]}
    sums = {"amount_subtotal": net, "amount_tax": tax, "amount_total": net + tax}
    return make(
        "item",
        currency=currency,
        description=price["product_data"]["name"],
        price=make("price", currency=currency, product=new_id("prod"), **cents),
        quantity=int(item["quantity"]),
        **sums,
    )


def expire(bank: Bank, _: Params, name: str) -> Thing:
    """End an open session."""
    session = bank.get("checkout.session", name)
    if session["status"] != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise Refusal(f"{message} This one has a status of `{session['status']}`.")
    session |= {"status": "expired", "url": None}
    if session["payment_intent"]:
        money.cancel(bank, bank.get("payment_intent", session["payment_intent"]), "automatic")
    bank.tell("checkout.session.expired", session)
    return session


def pay(bank: Bank, wish: Params) -> Thing:
    """Do what was chosen on the page; a session that is not open stays as it is."""
    session, way = bank.get("checkout.session", wish["session"]), wish.get("way", "paid")
    if session["status"] != "open":
        return session
    if way in money.CARDS:
        paying, paid_by = _intent(bank, session), money.method(bank, way)
        money.attempt(bank, paying, paid_by, money.CARDS[way][1])
        session["payment_method_types"] = [paid_by["type"]]
    else:
        paying = bank.get("payment_intent", session["payment_intent"] or "")
        money.authenticate(bank, paying, way)
    if paying["status"] in {"succeeded", "processing"}:
        _complete(bank, session, paying)
    return session


def _intent(bank: Bank, session: Thing) -> Thing:
    """The session's PaymentIntent, made at the first try to pay."""
    if session["payment_intent"]:
        return bank.get("payment_intent", session["payment_intent"])
    data = bank.asked[session["id"]].get("payment_intent_data") or {}
    if not session["customer"] and session["invoice_creation"]["enabled"]:
        session["customer"] = people.create(bank, {"email": session["customer_email"]})["id"]
    _sum(bank, session, is_known=True)
    facts = forms.taken(data, _OF_INTENT) | {"metadata": forms.metadata(data)}
    paying = money.intent(bank, session, session["amount_total"], **facts)
    session["payment_intent"] = paying["id"]
    return paying


def _complete(bank: Bank, session: Thing, paying: Thing) -> None:
    owner = bank.kinds["customer"].get(session["customer"], {})
    known = forms.taken(owner, "address business_name email individual_name name phone tax_exempt")
    session["customer_details"] = known | {"tax_ids": []}
    if owner and paying["setup_future_usage"]:
        bank.get("payment_method", paying["payment_method"])["customer"] = owner["id"]
    session |= {"status": "complete", "url": None}
    _book(bank, session, paying)
    bank.tell("checkout.session.completed", session)


def _book(bank: Bank, session: Thing, paying: Thing) -> None:
    if paying["status"] == "succeeded":
        session["payment_status"] = "paid"
        if session["invoice_creation"]["enabled"]:
            session["invoice"] = invoices.of_session(bank, session, paying)["id"]


def settle(bank: Bank, wish: Params) -> Thing:
    """End a payment that was to come later."""
    session = bank.get("checkout.session", wish["session"])
    paying = bank.get("payment_intent", session["payment_intent"] or "")
    if wish.get("paid", True):
        money.take(bank, paying)
        _book(bank, session, paying)
        bank.tell("checkout.session.async_payment_succeeded", session)
    else:
        money.decline(bank, paying, "insufficient_funds")
        bank.tell("checkout.session.async_payment_failed", session)
    return session
