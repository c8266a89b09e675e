"""Invoices, by Checkout and by hand, and the credit notes of paid ones. Tax is 20 % on top."""

from typing import Any, Final

from sandbox.stripe import forms, money
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing, automatic_tax, listed, taxes

_NET: Final = ("subtotal", "subtotal_excluding_tax", "total_excluding_tax")


def tax_on(net: int) -> int:
    """The tax on an amount, half up."""
    return (net + 2) // 5


def create(bank: Bank, params: Params) -> Thing:
    """Make a draft."""
    tax = automatic_tax(is_on=forms.is_on(params, "automatic_tax"))
    is_on = params.get("auto_advance") == "true"
    return _draft(bank, params, [], auto_advance=is_on, automatic_tax=tax)


def _draft(bank: Bank, source: Params, rows: list[tuple[str, int]], **facts: Any) -> Thing:
    owner, now = bank.get("customer", source["customer"] or "", "customer"), bank.now()
    known = {f"customer_{name}": owner[name] for name in ("address", "email", "name", "phone")}
    known["custom_fields"] = owner["invoice_settings"]["custom_fields"]
    known |= {"lines": listed([], "/v1/invoices/lines"), "_rows": rows}
    known |= {"payments": listed([], "/v1/invoice_payments")}
    made = bank.add("invoice", source, period_end=now, period_start=now, **known, **facts)
    _sum(made)
    return bank.tell("invoice.created", made)


def _sum(invoice: Thing) -> None:
    net = sum(cents for _, cents in invoice["_rows"])
    tax = tax_on(net) if invoice["automatic_tax"]["enabled"] else 0
    invoice |= dict.fromkeys(("total", "amount_due", "amount_remaining"), net + tax)
    invoice |= {**dict.fromkeys(_NET, net), "total_taxes": taxes(net, tax)}


def _in_state(bank: Bank, name: str, status: str, param: str = "id") -> Thing:
    invoice = bank.get("invoice", name, param)
    if invoice["status"] != status:
        raise Refusal(f"Invoice {name} is {invoice['status']}, not {status}.")
    return invoice


def add_item(bank: Bank, params: Params) -> Thing:
    """Add an item to a draft; none waits for an invoice here."""
    invoice = _in_state(bank, params["invoice"], "draft", "invoice")
    cents, now = int(params["amount"]), bank.now()
    facts = {"net_amount": cents, "date": now, "period": {"end": now, "start": now}}
    source = {"currency": invoice["currency"], **params}
    item = bank.add("invoiceitem", source, amount=cents, **facts)
    del item["created"]  # it has a date
    invoice["_rows"].append((item["description"] or "", cents))
    _sum(invoice)
    return item


def delete(bank: Bank, _: Params, name: str) -> Thing:
    """Delete a draft."""
    bank.tell("invoice.deleted", _in_state(bank, name, "draft"))
    del bank.kinds["invoice"][name]
    return {"id": name, "object": "invoice", "deleted": True}


def finalize(bank: Bank, _: Params, name: str) -> Thing:
    """Give a draft its number and its PaymentIntent."""
    invoice = _in_state(bank, name, "draft")
    return _number(bank, invoice, money.intent(bank, invoice, invoice["total"], {}))


def _number(bank: Bank, invoice: Thing, paying: Thing) -> Thing:
    owner, url = bank.get("customer", invoice["customer"], "customer"), bank.page_of(invoice)
    number = f"{owner['invoice_prefix']}-{owner['next_invoice_sequence']:04d}"
    owner["next_invoice_sequence"] += 1
    invoice |= {"number": number, "hosted_invoice_url": url, "invoice_pdf": f"{url}?pdf"}
    invoice["status_transitions"]["finalized_at"] = bank.now()
    payment = {"payment_intent": paying["id"], "type": "payment_intent"}
    about = {"currency": invoice["currency"], "invoice": invoice["id"], "payment": payment}
    link = bank.add("invoice_payment", {}, amount_requested=invoice["total"], **about)
    invoice["payments"]["data"] = [link["id"]]
    return bank.tell("invoice.finalized", invoice, status="open")


def intent_of(bank: Bank, invoice: Thing) -> Thing:
    """The PaymentIntent by which an invoice is paid."""
    link = bank.get("invoice_payment", invoice["payments"]["data"][0])
    return bank.get("payment_intent", link["payment"]["payment_intent"])


def pay(bank: Bank, params: Params, name: str) -> Thing:
    """Charge the card that was sent, or the customer's default."""
    invoice = _in_state(bank, name, "open")
    settings = bank.get("customer", invoice["customer"], "customer")["invoice_settings"]
    chosen = params.get("payment_method") or invoice["default_payment_method"]
    if not (chosen := chosen or settings["default_payment_method"]):
        message = "This customer has no attached payment source or default payment method."
        raise Refusal(message, code="resource_missing")
    card, paying = bank.get("payment_method", chosen, "payment_method"), intent_of(bank, invoice)
    money.attempt(bank, paying, card, **bank.cards.get(chosen, {"behaviour": "ok"}))
    _follow(bank, invoice, paying)
    if paying["status"] == "requires_action":
        code = "invoice_payment_intent_requires_action"
        message = "This payment requires additional user action before it can be completed."
        raise Refusal(message, status=402, type="card_error", code=code)
    if error := paying["last_payment_error"]:
        raise Refusal(status=402, **error)
    return invoice


def pay_here(bank: Bank, invoice: Thing, way: str) -> None:
    """Do what was chosen on the invoice's page; the card that pays there is saved."""
    paying = intent_of(bank, invoice)
    money.pay_by(bank, paying, way)
    if paying["status"] == "succeeded":
        bank.get("payment_method", paying["payment_method"])["customer"] = invoice["customer"]
    _follow(bank, invoice, paying)


def _follow(bank: Bank, invoice: Thing, paying: Thing) -> None:
    """Follow what became of a try to pay."""
    invoice |= {"attempt_count": invoice["attempt_count"] + 1, "attempted": True}
    if paying["status"] == "succeeded":
        _paid(bank, invoice)
    else:
        bank.tell("invoice.payment_failed", invoice)
    if paying["status"] == "requires_action":
        bank.tell("invoice.payment_action_required", invoice)


def _paid(bank: Bank, invoice: Thing) -> Thing:
    invoice["amount_remaining"] = 0
    for thing in (bank.get("invoice_payment", invoice["payments"]["data"][0]), invoice):
        thing["status_transitions"]["paid_at"] = bank.now()
        bank.tell(f"{thing['object']}.paid", thing, status="paid", amount_paid=invoice["total"])
    return invoice


def void(bank: Bank, _: Params, name: str) -> Thing:
    """Take back an invoice that is not paid."""
    invoice = _in_state(bank, name, "open")
    invoice["status_transitions"]["voided_at"] = bank.now()
    money.cancel(bank, intent_of(bank, invoice), "void_invoice")
    return bank.tell("invoice.voided", invoice, status="void", auto_advance=False)


def of_session(bank: Bank, session: Thing, paying: Thing) -> Thing:
    """The paid invoice of a Checkout Session."""
    data = session["_asked"]["invoice_creation"].get("invoice_data", {})
    about = {name: session[name] for name in ("currency", "customer")}
    tax = session["automatic_tax"]
    invoice = _draft(bank, {**data, **about}, session["_rows"], automatic_tax=tax)
    return _paid(bank, _number(bank, invoice, paying))


def credit(bank: Bank, params: Params) -> Thing:
    """Credit a paid invoice and refund it, the tax in proportion."""
    invoice = _in_state(bank, params["invoice"], "paid", "invoice")
    cents = int(params["amount"])
    if cents != int(params.get("refund_amount", 0)):
        raise Refusal("The sandbox refunds what it credits: send both.", param="refund_amount")
    if cents > invoice["amount_paid"] - invoice["post_payment_credit_notes_amount"]:
        raise Refusal("The credit note is greater than what is left.", param="amount")
    asked = {"payment_intent": intent_of(bank, invoice)["id"], "amount": cents}
    back = {"amount_refunded": cents, "refund": money.refund(bank, asked)["id"], "type": "refund"}
    tax = (cents + 3) // 6 if invoice["total_taxes"] else 0
    note = bank.add(
        "credit_note",
        params | {name: invoice[name] for name in ("currency", "customer")},
        lines=listed([], "/v1/credit_notes/lines"),
        number=f"{invoice['number']}-CN-{len(bank.kinds['credit_note']) + 1:02d}",
        pdf=f"{invoice['hosted_invoice_url']}?pdf",
        refunds=[back],
        total_taxes=taxes(cents - tax, tax),
        **dict.fromkeys(("amount", "post_payment_amount", "total"), cents),
        **dict.fromkeys(_NET, cents - tax),
    )
    invoice["post_payment_credit_notes_amount"] += cents
    return bank.tell("credit_note.created", note)
