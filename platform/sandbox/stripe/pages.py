"""The hosted pages: a Checkout Session, an invoice, a receipt, the portal. No script, no image."""

from html import escape
from pathlib import Path
from string import Template
from typing import Final

from aiohttp import web

from sandbox.stripe import checkout, invoices
from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import Thing

_FRAME: Final = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
_CARDS: Final = {"paid": "card 4242", "declined": "a declined card", "3ds": "3-D Secure"}
_INVOICE: Final = {way: f"Pay by {card}" for way, card in _CARDS.items()}
_CHECKOUT: Final = {**_INVOICE, "later": "Pay later", "back": "Back"}
_SECURE: Final = {"authenticated": "Authenticate", "failed": "Fail"}


def show(bank: Bank, name: str) -> web.Response:
    """The page of an object."""
    found = bank.find(name)
    match found.get("object"):
        case "checkout.session":
            paying = bank.kinds["payment_intent"].get(found["payment_intent"], {})
            return _payment(found, paying, found["amount_total"], _CHECKOUT)
        case "invoice":
            return _payment(found, invoices.intent_of(bank, found), found["total"], _INVOICE)
        case "charge":
            return _page("Receipt", said=f"{_sum(found['amount'])} for {name}")
        case "billing_portal.session":
            back = f'<a href="{escape(found["return_url"] or "")}">Back</a>'
            said = "Customers see their invoices here, and change their cards."
            return _page("Customer portal", said=said, rows=back)
        case _:
            return _page("Nothing here", status=404)


def act(bank: Bank, name: str, way: str) -> web.Response:
    """Do what a button says, and lead to where the payer goes next."""
    found, url = bank.find(name), name  # this page again
    if found.get("object") == "checkout.session" and way == "back":
        url = found["cancel_url"] or name
    elif found.get("object") == "checkout.session":
        checkout.pay(bank, {"session": name, "way": way})
        url = found["success_url"] if found["status"] == "complete" else name
    elif found.get("status") == "open":
        invoices.pay_here(bank, found, way)
    url = url.replace("{CHECKOUT_SESSION_ID}", name)
    return web.Response(status=303, headers={"Location": url})


def _payment(found: Thing, paying: Thing, total: int, buttons: dict[str, str]) -> web.Response:
    rows = [*found["_rows"], ("Total", total)]
    if tax := total - sum(cents for _, cents in found["_rows"]):
        rows.insert(-1, ("Tax", tax))
    said = ""
    if found["status"] != "open":
        said, buttons = f"This is {found['status']}.", {}
    elif paying.get("status") == "requires_action":
        said, buttons = "Your bank asks whether this is you.", _SECURE
    elif error := paying.get("last_payment_error"):
        said = escape(error["message"])
    lines = (f"<tr><td>{escape(text)}</td><td>{_sum(cents)}</td></tr>" for text, cents in rows)
    choice = (f'<button name="way" value="{way}">{text}</button>' for way, text in buttons.items())
    return _page(f"Pay {_sum(total)}", said=said, rows="".join(lines), buttons="".join(choice))


def _sum(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _page(
    title: str, *, said: str = "", rows: str = "", buttons: str = "", status: int = 200
) -> web.Response:
    text = _FRAME.substitute(title=title, said=said, rows=rows, buttons=buttons)
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)
