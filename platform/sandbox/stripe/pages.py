"""The hosted pages: a Checkout Session, an invoice, a receipt, the portal. No script, no image."""

from html import escape
from pathlib import Path
from typing import Final

from aiohttp import web

from sandbox.stripe import checkout, invoices, money
from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import Thing

_FRAME: Final = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
_KINDS: Final = ("checkout.session", "invoice", "charge", "billing_portal.session")
_BUTTONS: Final = {
    "paid": "Pay by card 4242",
    "declined": "Pay by a declined card",
    "3ds": "Pay with 3-D Secure",
    "later": "Pay later, from a bank account",
    "back": "Back",
}
_SECURE: Final = {"authenticated": "Authenticate", "failed": "Fail"}


def show(bank: Bank, name: str) -> web.Response:
    """The page of an object."""
    found = next((bank.kinds[kind][name] for kind in _KINDS if name in bank.kinds[kind]), {})
    match found.get("object"):
        case "checkout.session":
            paying = bank.kinds["payment_intent"].get(found["payment_intent"])
            rows = [
                (item["description"], item["amount_subtotal"])
                for item in found["line_items"]["data"]
            ]
            return _payment(found, paying, rows, found["amount_total"], _BUTTONS)
        case "invoice":
            rows = [(line["description"], line["amount"]) for line in found["lines"]["data"]]
            buttons = {way: _BUTTONS[way] for way in ("paid", "declined", "3ds")}
            return _payment(found, invoices.intent_of(bank, found), rows, found["total"], buttons)
        case "charge":
            return _page("Receipt", f"<p>{_sum(found['amount'])} for {name}</p>")
        case "billing_portal.session":
            back = escape(found["return_url"] or "")
            said = "<p>Customers see their invoices here, and change their cards.</p>"
            return _page("Customer portal", f'{said}<p><a href="{back}">Back</a></p>')
        case _:
            return _page("Nothing here", "", status=404)


def act(bank: Bank, name: str, way: str) -> web.Response:
    """Do what a button says, and lead to where the payer goes next."""
    if (invoice := bank.kinds["invoice"].get(name)) is not None:
        _pay(bank, invoice, way)
    elif (session := bank.kinds["checkout.session"].get(name)) is not None:
        if way == "back" and session["cancel_url"]:
            return _lead(session["cancel_url"])
        if checkout.pay(bank, {"session": name, "way": way})["status"] == "complete":
            return _lead(session["success_url"].replace("{CHECKOUT_SESSION_ID}", name))
    return _lead(name)  # this page again


def _pay(bank: Bank, invoice: Thing, way: str) -> None:
    paying = invoices.intent_of(bank, invoice)
    if invoice["status"] == "open" and way in _SECURE:
        money.authenticate(bank, paying, way)
        invoices.follow(bank, invoice)
    elif invoice["status"] == "open" and way in money.CARDS:
        invoices.try_to_pay(bank, invoice, money.method(bank, way), money.CARDS[way][1])
    if paying["status"] == "succeeded":
        bank.get("payment_method", paying["payment_method"])["customer"] = invoice["customer"]


def _payment(
    found: Thing,
    paying: Thing | None,
    rows: list[tuple[str, int]],
    total: int,
    buttons: dict[str, str],
) -> web.Response:
    tax = total - sum(cents for _, cents in rows)
    rows += [*([("Tax", tax)] if tax else []), ("Total", total)]
    lines = "".join(
        f"<tr><td>{escape(text)}</td><td>{_sum(cents)}</td></tr>" for text, cents in rows
    )
    said, paying = "", paying or {}
    if found["status"] != "open":
        said, buttons = f"This is {found['status']}.", {}
    elif paying.get("status") == "requires_action":
        said, buttons = "Your bank asks whether this is you.", _SECURE
    elif error := paying.get("last_payment_error"):
        said = escape(error["message"])
    choice = "".join(
        f'<button name="way" value="{way}">{text}</button>' for way, text in buttons.items()
    )
    body = f'<table>{lines}</table><p>{said}</p><form method="post">{choice}</form>'
    return _page(f"Pay {_sum(total)}", body)


def _sum(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _lead(url: str) -> web.Response:
    return web.Response(status=303, headers={"Location": url})


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    text = _FRAME.replace("TITLE", title).replace("BODY", body)
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)
