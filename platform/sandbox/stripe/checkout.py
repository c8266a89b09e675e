"""Checkout Sessions: made, paid, expired. Tax is 20 % on top, where it is asked for."""

from typing import Final

from sandbox.stripe import forms, invoices, money
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing, automatic_tax

_SECONDS: Final = range(30 * 60, 24 * 3600 + 1)
_CENTS: Final = range(50, 100_000_000)


def create(bank: Bank, params: Params) -> Thing:
    """Make a session for one payment."""
    now, name = bank.now(), params.get("customer")
    owner = bank.get("customer", name, "customer") if name else {}
    expires_at = int(params.get("expires_at", now + _SECONDS[-1]))
    items = params["line_items"]
    rows = [_row(item) for item in items]
    _check(params, owner, expires_at - now, sum(cents for _, cents in rows))
    made = bank.add("checkout.session", params, expires_at=expires_at, _asked=params, _rows=rows)
    made |= {"url": bank.page_of(made), "currency": items[0]["price_data"]["currency"]}
    _sum(made, is_known=bool(owner.get("address")))
    return made


def _row(item: Params) -> tuple[str, int]:
    price = item["price_data"]
    return price["product_data"]["name"], int(price["unit_amount"]) * int(item["quantity"])


def _check(params: Params, owner: Thing, seconds: int, cents: int) -> None:
    update = params.get("customer_update") or {}
    has_place = not owner or owner["address"] or update.get("address") == "auto"
    has_tax, has_tax_ids = (forms.is_on(params, f) for f in ("automatic_tax", "tax_id_collection"))
    urls = params["success_url"], params.get("cancel_url", "https://")
    are_urls = all(url.startswith(("http://", "https://")) for url in urls)
    for is_wrong, param, code in (
        ("payment_method_types" in params, "payment_method_types", "parameter_unknown"),
        (params["mode"] != "payment", "mode", "parameter_unknown"),
        (not are_urls, "success_url", "url_invalid"),
        (cents < _CENTS.start, "line_items", "amount_too_small"),
        (cents >= _CENTS.stop, "line_items", "amount_too_large"),
        # 30 minutes to 24 hours from now
        (seconds not in _SECONDS, "expires_at", None),
        (update and not owner, "customer_update", None),
        # these two demand `customer_update` for a customer that is there
        (has_tax and not has_place, "automatic_tax", "customer_tax_location_invalid"),
        (has_tax_ids and owner and update.get("name") != "auto", "tax_id_collection", None),
    ):
        if is_wrong:
            raise Refusal(f"Invalid for a Checkout Session: {param}", param=param, code=code)


def _sum(session: Thing, *, is_known: bool) -> None:
    """Write the sums; tax is known when the customer's place is."""
    is_on = forms.is_on(session["_asked"], "automatic_tax")
    net = sum(cents for _, cents in session["_rows"])
    tax = invoices.tax_on(net) if is_on and is_known else 0
    session["automatic_tax"] = automatic_tax(is_on=is_on, is_known=is_known)
    session |= {"amount_subtotal": net, "amount_total": net + tax}
    session["total_details"] = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": tax}


def expire(bank: Bank, _: Params, name: str) -> Thing:
    """End an open session."""
    session = bank.get("checkout.session", name)
    if session["status"] != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise Refusal(f"{message} This one has a status of `{session['status']}`.")
    if session["payment_intent"]:
        money.cancel(bank, bank.get("payment_intent", session["payment_intent"]), "automatic")
    return bank.tell("checkout.session.expired", session, status="expired", url=None)


def pay(bank: Bank, wish: Params) -> Thing:
    """Do what was chosen on the page; a session that is not open stays as it is."""
    session = bank.get("checkout.session", wish["session"])
    if session["status"] == "open":
        paying = _intent(bank, session)
        money.pay_by(bank, paying, wish.get("way", "paid"))
        if paying["status"] in {"succeeded", "processing"}:
            _book(bank, session, paying)
            bank.tell("checkout.session.completed", session, status="complete", url=None)
    return session


def _intent(bank: Bank, session: Thing) -> Thing:
    """The session's PaymentIntent, made at the first try to pay."""
    if session["payment_intent"]:
        return bank.get("payment_intent", session["payment_intent"])
    _sum(session, is_known=True)
    data = session["_asked"].get("payment_intent_data") or {}
    paying = money.intent(bank, session, session["amount_total"], data)
    session["payment_intent"] = paying["id"]
    return paying


def _book(bank: Bank, session: Thing, paying: Thing) -> None:
    if paying["setup_future_usage"]:
        bank.get("payment_method", paying["payment_method"])["customer"] = session["customer"]
    if paying["status"] == "succeeded":
        session["payment_status"] = "paid"
        if forms.is_on(session["_asked"], "invoice_creation"):
            session["invoice"] = invoices.of_session(bank, session, paying)["id"]


def settle(bank: Bank, wish: Params) -> Thing:
    """End a payment that was to come later."""
    session = bank.get("checkout.session", wish["session"])
    paying = bank.get("payment_intent", session["payment_intent"] or "")
    if not wish.get("paid", True):
        money.decline(bank, paying, "insufficient_funds")
        return bank.tell("checkout.session.async_payment_failed", session)
    money.take(bank, paying)
    _book(bank, session, paying)
    return bank.tell("checkout.session.async_payment_succeeded", session)
