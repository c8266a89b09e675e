"""The hosted pages: a Checkout Session, an invoice, a receipt, the portal. No script, no image."""

from html import escape
from typing import Final

from aiohttp import web

from sandbox.stripe import checkout, invoices, money, people
from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import Thing

_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;"
    "margin:2rem auto;padding:0 1rem}td{padding:.25rem 1rem .25rem 0}button{font:inherit;"
    "padding:.5rem 1rem;margin:.25rem .5rem .25rem 0}"
)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
_BUTTONS: Final = {
    "paid": "Pay by card 4242",
    "declined": "Pay by a declined card",
    "3ds": "Pay with 3-D Secure",
    "later": "Pay later, from a bank account",
    "back": "Back",
}
_SECURE: Final = {"authenticated": "Authenticate", "failed": "Fail"}
_STATES: Final = {
    "complete": "This payment is done.",
    "expired": "This page has expired.",
    "paid": "This invoice is paid.",
    "void": "This invoice is void.",
}


def show(bank: Bank, name: str) -> web.Response:
    """The page of an object."""
    kinds = ("checkout.session", "invoice", "charge", "billing_portal.session")
    found = next((bank.kinds[kind][name] for kind in kinds if name in bank.kinds[kind]), None)
    if found is None:
        return _page("Nothing here", "<p>There is no such page.</p>", status=404)
    match found["object"]:
        case "charge":
            return _page("Receipt", f"<p>{_sum(found['amount'])} by {escape(name)}</p>")
        case "billing_portal.session":
            back = escape(found["return_url"] or "")
            text = "<p>This is where a customer sees invoices and changes cards.</p>"
            return _page("Customer portal", f'{text}<p><a href="{back}">Back</a></p>')
        case _:
            return _payment(bank, found)


def act(bank: Bank, name: str, way: str) -> web.Response:
    """Do what a button says, and lead to where the payer goes next."""
    session = bank.kinds["checkout.session"].get(name)
    if session is None:
        if name in bank.kinds["invoice"]:
            _pay_invoice(bank, bank.kinds["invoice"][name], way)
        return _lead(name)
    if way == "back":
        return _lead(session["cancel_url"] or name)
    if way in checkout.WAYS:
        checkout.pay(bank, session, way)
    if session["status"] == "complete":
        return _lead(session["success_url"].replace("{CHECKOUT_SESSION_ID}", name))
    return _lead(name)


def _pay_invoice(bank: Bank, invoice: Thing, way: str) -> None:
    paying = invoices.intent_of(bank, invoice) if invoice["status"] == "open" else None
    if paying is None:
        return
    if way in _SECURE and paying["status"] == "requires_action":
        checkout.end_3ds(bank, paying, way)
        invoices.tell_how(bank, invoice)
    elif way in {"paid", "declined", "3ds"}:
        last4, manner = checkout.CARDS[way]
        card = money.method(bank, "card", last4)
        invoices.try_to_pay(bank, invoice, card, manner)
        if paying["status"] == "succeeded":
            people.attach(bank, {"customer": invoice["customer"]}, card["id"])


def _payment(bank: Bank, found: Thing) -> web.Response:
    is_session = found["object"] == "checkout.session"
    lines = found["line_items" if is_session else "lines"]["data"]
    total = found["amount_total" if is_session else "total"]
    rows = [
        (line["description"] or "", line["amount_subtotal" if is_session else "amount"])
        for line in lines
    ]
    net = sum(amount for _, amount in rows)
    rows += [("Tax", total - net)] if total != net else []
    rows.append(("Total", total))
    table = "".join(f"<tr><td>{escape(text)}</td><td>{_sum(sum_)}</td></tr>" for text, sum_ in rows)
    return _page(f"Pay {_sum(total)}", f"<table>{table}</table>{_choice(bank, found)}")


def _choice(bank: Bank, found: Thing) -> str:
    if found["status"] != "open":
        return f"<p>{_STATES.get(found['status'], 'This is not to be paid.')}</p>"
    is_session = found["object"] == "checkout.session"
    if is_session:
        paying = bank.kinds["payment_intent"].get(found["payment_intent"] or "")
    else:
        paying = invoices.intent_of(bank, found)
    if paying is not None and paying["status"] == "requires_action":
        return "<p>Your bank asks whether this is you.</p>" + _form(_SECURE)
    error = (paying or {}).get("last_payment_error")
    said = f'<p role="alert">{escape(error["message"])}</p>' if error else ""
    names = _BUTTONS if is_session else ("paid", "declined", "3ds")
    return said + _form({name: _BUTTONS[name] for name in names})


def _form(buttons: dict[str, str]) -> str:
    made = "".join(
        f'<button name="way" value="{way}">{text}</button>' for way, text in buttons.items()
    )
    return f'<form method="post">{made}</form>'


def _sum(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def _lead(url: str) -> web.Response:
    """See another page; a mere id is a page beside this one."""
    return web.Response(status=303, headers={"Location": url})


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style><main><h1>{title}</h1><p>Sandbox: no money moves here.</p>"
        f"{body}</main></html>\n"
    )
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
    return web.Response(text=text, content_type="text/html", status=status, headers=headers)
