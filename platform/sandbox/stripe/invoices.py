"""Invoices, by Checkout and by hand, and the credit notes of paid ones."""

from typing import Any, Final

from sandbox.stripe import forms, money, people
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Thing, automatic_tax, listed, make, new_id, taxed
from sandbox.stripe.refusals import Refusal, invalid

_PERCENT: Final = 20
_REASONS: Final = {None, "duplicate", "fraudulent", "order_change", "product_unsatisfactory"}
_NEEDS_ACTION: Final = (
    "This payment requires additional user action before it can be completed successfully."
    " Payment can be completed using the PaymentIntent associated with the invoice."
)


def tax_of(amount: int, *, inclusive: bool = False) -> int:
    """The tax on an amount, or inside of it, half up."""
    whole = 100 + _PERCENT if inclusive else 100
    return (2 * amount * _PERCENT + whole) // (2 * whole)


def create(bank: Bank, params: Params) -> Thing:
    """Make a draft."""
    owner = people.customer(bank, forms.required(params, "customer"), "customer", status=400)
    return _draft(
        bank,
        owner,
        auto_advance=params.get("auto_advance") == "true",
        automatic_tax=automatic_tax(is_on=forms.is_on(params, "automatic_tax")),
        collection_method=params.get("collection_method", "charge_automatically"),
        currency=params.get("currency", "usd"),
        default_payment_method=params.get("default_payment_method"),
        description=params.get("description"),
        footer=params.get("footer"),
        metadata=forms.merged(None, params.get("metadata")),
    )


def _draft(bank: Bank, owner: Thing, **facts: Any) -> Thing:
    now = bank.now()
    moments = ("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")
    names = ("address", "email", "name", "phone")
    made = bank.add(
        "invoice",
        customer=owner["id"],
        period_end=now,
        period_start=now,
        status_transitions=dict.fromkeys(moments),
        **{f"customer_{name}": owner[name] for name in names},
        **facts,
    )
    made["lines"] = listed([], f"/v1/invoices/{made['id']}/lines")
    made["payments"] = listed([], "/v1/invoice_payments")
    _sum(made)
    bank.tell("invoice.created", made)
    return made


def _sum(invoice: Thing) -> None:
    lines = invoice["lines"]["data"]
    net = sum(line["subtotal"] for line in lines)
    tax = sum(each["amount"] for line in lines for each in line["taxes"])
    inside = any(each["tax_behavior"] == "inclusive" for line in lines for each in line["taxes"])
    total = net if inside else net + tax
    invoice |= {"subtotal": net, "subtotal_excluding_tax": total - tax, "total": total}
    invoice |= {"total_excluding_tax": total - tax, "total_taxes": taxed(total - tax, tax)}
    invoice |= {"amount_due": total, "amount_remaining": total - invoice["amount_paid"]}


def _add_line(invoice: Thing, amount: int, description: str | None, **facts: Any) -> Thing:
    tax = facts.pop("tax", None)
    if tax is None:
        tax = tax_of(amount) if invoice["automatic_tax"]["enabled"] else 0
    line = make(
        "line_item",
        amount=amount,
        currency=invoice["currency"],
        description=description,
        invoice=invoice["id"],
        period={"end": invoice["period_end"], "start": invoice["period_start"]},
        quantity=1,
        quantity_decimal="1",
        subtotal=amount,
        taxes=taxed(amount, tax, inclusive=facts.pop("inclusive", False)),
        **{"metadata": {}, **facts},
    )
    invoice["lines"]["data"].append(line)
    _sum(invoice)
    return line


def _open_draft(bank: Bank, name: str, param: str = "id") -> Thing:
    invoice = bank.get("invoice", name, param)
    if invoice["status"] != "draft":
        raise Refusal("This invoice is already finalized, you can't change it.")
    return invoice


def add_item(bank: Bank, params: Params) -> Thing:
    """Add an item to a draft; an item that waits for an invoice is not known here."""
    invoice = _open_draft(bank, forms.required(params, "invoice"), "invoice")
    amount = forms.whole(params, "amount")
    now, description = bank.now(), params.get("description")
    item = bank.add(
        "invoiceitem",
        amount=amount,
        currency=params.get("currency", invoice["currency"]),
        customer=invoice["customer"],
        date=now,
        description=description,
        invoice=invoice["id"],
        metadata=forms.merged(None, params.get("metadata")),
        net_amount=amount,
        period={"end": now, "start": now},
        quantity=1,
        quantity_decimal="1",
    )
    del item["created"]  # it has a date
    details = {"invoice_item": item["id"], "proration": False, "subscription": None}
    details |= {"proration_details": {"credited_items": None}}
    kind = "invoice_item_details"
    parent = {kind: details, "subscription_item_details": None, "type": kind}
    _add_line(invoice, amount, description, parent=parent, metadata=dict(item["metadata"]))
    return item


def add_lines(bank: Bank, params: Params, name: str) -> Thing:
    """Add lines to a draft."""
    invoice = _open_draft(bank, name)
    for line in forms.required(params, "lines"):
        metadata = forms.merged(None, line.get("metadata"))
        amount = forms.whole(line, "amount")
        _add_line(invoice, amount, line.get("description"), metadata=metadata)
    bank.tell("invoice.updated", invoice)
    return invoice


def update(bank: Bank, params: Params, name: str) -> Thing:
    """Change an invoice's metadata, or whether the provider goes on by itself."""
    invoice = bank.get("invoice", name)
    invoice["metadata"] = forms.merged(invoice["metadata"], params.get("metadata"))
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"] == "true"
    bank.tell("invoice.updated", invoice)
    return invoice


def delete(bank: Bank, _: Params, name: str) -> Thing:
    """Delete a draft."""
    invoice = _open_draft(bank, name)
    del bank.kinds["invoice"][name]
    bank.tell("invoice.deleted", invoice)
    return {"id": name, "object": "invoice", "deleted": True}


def finalize(bank: Bank, _: Params, name: str) -> Thing:
    """Give a draft its number and its PaymentIntent."""
    invoice = _open_draft(bank, name)
    owner = people.customer(bank, invoice["customer"], "customer", status=400)
    if not invoice["lines"]["data"]:
        raise Refusal("You can't finalize an invoice without lines.")
    _number(bank, invoice, owner)
    invoice["status"] = "open"
    description = f"Invoice {invoice['number']}"
    paying = money.intent(bank, invoice, invoice["total"], description=description)
    secret = {"client_secret": paying["client_secret"], "type": "payment_intent"}
    invoice["confirmation_secret"] = secret
    _link(bank, invoice, paying)
    bank.tell("invoice.finalized", invoice)
    return invoice


def _number(bank: Bank, invoice: Thing, owner: Thing) -> None:
    invoice["number"] = f"{owner['invoice_prefix']}-{owner['next_invoice_sequence']:04d}"
    owner["next_invoice_sequence"] += 1
    now = bank.now()
    invoice |= {"effective_at": now, "attempted": False}
    invoice["status_transitions"]["finalized_at"] = now
    url = f"{bank.origin}/stripe/pay/{invoice['id']}"
    invoice |= {"hosted_invoice_url": url, "invoice_pdf": f"{url}?pdf"}


def _link(bank: Bank, invoice: Thing, paying: Thing) -> Thing:
    made = bank.add(
        "invoice_payment",
        amount_requested=invoice["total"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment={"payment_intent": paying["id"], "type": "payment_intent"},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    invoice["payments"]["data"].append(made["id"])
    return made


def intent_of(bank: Bank, invoice: Thing) -> Thing:
    """The PaymentIntent by which an invoice is paid."""
    link = bank.get("invoice_payment", invoice["payments"]["data"][0])
    return bank.get("payment_intent", link["payment"]["payment_intent"])


def pay(bank: Bank, params: Params, name: str) -> Thing:
    """Charge the customer's default card, or the one that was sent."""
    invoice = bank.get("invoice", name)
    if invoice["status"] == "draft":
        finalize(bank, {}, name)
    if invoice["status"] != "open":
        raise Refusal(f"Invoice is already {invoice['status']}")
    settings = bank.get("customer", invoice["customer"])["invoice_settings"]
    chosen = params.get("payment_method") or invoice["default_payment_method"]
    chosen = chosen or settings["default_payment_method"]
    if chosen is None:
        message = "This customer has no attached payment source or default payment method."
        raise Refusal(message, code="resource_missing")
    paid_by = bank.get("payment_method", chosen, "payment_method", status=400)
    try_to_pay(bank, invoice, paid_by, bank.cards.get(chosen, money.PAYS))
    paying = intent_of(bank, invoice)
    if paying["status"] == "requires_action":
        code = "invoice_payment_intent_requires_action"
        raise Refusal(_NEEDS_ACTION, status=402, type="card_error", code=code)
    if (error := paying["last_payment_error"]) is not None:
        raise Refusal(status=402, **error)
    return invoice


def try_to_pay(bank: Bank, invoice: Thing, paid_by: Thing, manner: Thing) -> None:
    """Try it by one payment method, with the customer here or not."""
    paying = intent_of(bank, invoice)
    money.attempt(bank, paying, paid_by, manner)
    invoice |= {"attempt_count": invoice["attempt_count"] + 1, "attempted": True}
    tell_how(bank, invoice)


def tell_how(bank: Bank, invoice: Thing) -> None:
    """Follow what became of the invoice's PaymentIntent."""
    paying = intent_of(bank, invoice)
    if paying["status"] == "succeeded":
        _paid(bank, invoice)
    elif paying["status"] == "requires_action":
        bank.tell("invoice.payment_failed", invoice)
        bank.tell("invoice.payment_action_required", invoice)
    else:
        bank.tell("invoice.payment_failed", invoice)


def _paid(bank: Bank, invoice: Thing) -> None:
    now, total = bank.now(), invoice["total"]
    invoice |= {"status": "paid", "amount_paid": total, "amount_remaining": 0, "attempted": True}
    invoice["status_transitions"]["paid_at"] = now
    link = bank.get("invoice_payment", invoice["payments"]["data"][0])
    link |= {"status": "paid", "amount_paid": total}
    link["status_transitions"]["paid_at"] = now
    for name in ("invoice_payment.paid", "invoice.paid", "invoice.payment_succeeded"):
        bank.tell(name, link if name == "invoice_payment.paid" else invoice)


def void(bank: Bank, _: Params, name: str) -> Thing:
    """Take back an invoice that is not paid."""
    invoice = bank.get("invoice", name)
    if invoice["status"] not in {"open", "uncollectible"}:
        raise Refusal("You can only pass in open or uncollectible invoices to void.")
    invoice |= {"status": "void", "auto_advance": False}
    invoice["status_transitions"]["voided_at"] = bank.now()
    cancel(bank, intent_of(bank, invoice), "void_invoice")
    bank.tell("invoice.voided", invoice)
    return invoice


def cancel(bank: Bank, paying: Thing, reason: str) -> None:
    """Cancel a PaymentIntent that will not be paid."""
    now = bank.now()
    paying |= {"status": "canceled", "canceled_at": now, "cancellation_reason": reason}
    paying["next_action"] = None
    bank.tell("payment_intent.canceled", paying)


def of_session(bank: Bank, session: Thing, paying: Thing) -> Thing:
    """The paid invoice of a Checkout Session."""
    owner = bank.get("customer", session["customer"])
    data = session["invoice_creation"]["invoice_data"]
    invoice = _draft(
        bank,
        owner,
        auto_advance=False,
        automatic_tax=session["automatic_tax"],
        collection_method="charge_automatically",
        currency=session["currency"],
        description=data["description"],
        footer=data["footer"],
        metadata=dict(data["metadata"]),
    )
    for item in session["line_items"]["data"]:
        amount, tax = item["amount_subtotal"], item["amount_tax"]
        inclusive = item["price"]["tax_behavior"] == "inclusive"
        _add_line(invoice, amount, item["description"], tax=tax, inclusive=inclusive)
    _number(bank, invoice, owner)
    _link(bank, invoice, paying)
    bank.tell("invoice.finalized", invoice)
    _paid(bank, invoice)
    return invoice


def payments(bank: Bank, params: Params) -> Thing:
    """What invoices are paid by, of one invoice or of one PaymentIntent."""
    name = (params.get("payment") or {}).get("payment_intent")
    payment = {"payment_intent": name, "type": "payment_intent"} if name else None
    return bank.page(
        "invoice_payment",
        params,
        "/v1/invoice_payments",
        payment=payment,
        invoice=params.get("invoice"),
    )


def credit(bank: Bank, params: Params) -> Thing:
    """Credit a paid invoice, and refund what was paid."""
    invoice = bank.get("invoice", forms.required(params, "invoice"), "invoice")
    if invoice["status"] != "paid":
        raise Refusal("You can only create a credit note for a paid invoice here.")
    if params.get("reason") not in _REASONS:
        raise invalid("reason", "Invalid reason for a credit note")
    amount, back = _credited(params, invoice), forms.whole(params, "refund_amount", 0)
    parts = back + sum(
        forms.whole(params, name, 0) for name in ("credit_amount", "out_of_band_amount")
    )
    if parts != amount:
        message = "The sum of credit amount, refund amount and out of band amount"
        raise Refusal(f"{message} (${parts / 100:.2f}) must equal ${amount / 100:.2f}.")
    if amount > invoice["amount_paid"] - invoice["post_payment_credit_notes_amount"]:
        raise invalid("amount", "The credit note's amount is greater than what is left to credit.")
    made_by = {"payment_intent": intent_of(bank, invoice)["id"], "amount": back}
    refund = money.refund(bank, made_by) if back else None
    note = _note(bank, invoice, amount, params)
    if refund is not None:
        note["refunds"] = [{"amount_refunded": back, "refund": refund["id"], "type": "refund"}]
    invoice["post_payment_credit_notes_amount"] += amount
    bank.tell("credit_note.created", note)
    bank.tell("invoice.updated", invoice)
    return note


def _credited(params: Params, invoice: Thing) -> int:
    if "lines" not in params:
        return forms.whole(params, "amount")
    net = sum(forms.whole(line, "amount") for line in params["lines"])
    return net + (tax_of(net) if invoice["automatic_tax"]["enabled"] else 0)


def _note(bank: Bank, invoice: Thing, amount: int, params: Params) -> Thing:
    tax = tax_of(amount, inclusive=True) if invoice["total_taxes"] else 0
    name, count = new_id("cn"), len(bank.of("credit_note", invoice=invoice["id"])) + 1
    line = make(
        "credit_note_line_item",
        amount=amount - tax,
        invoice_line_item=invoice["lines"]["data"][0]["id"],
        metadata={},
        taxes=taxed(amount - tax, tax),
        type="invoice_line_item",
    )
    return bank.add(
        "credit_note",
        amount=amount,
        currency=invoice["currency"],
        customer=invoice["customer"],
        effective_at=bank.now(),
        invoice=invoice["id"],
        lines=listed([line], f"/v1/credit_notes/{name}/lines"),
        memo=params.get("memo"),
        metadata=forms.merged(None, params.get("metadata")),
        number=f"{invoice['number']}-CN-{count:02d}",
        pdf=f"{invoice['hosted_invoice_url']}?pdf",
        post_payment_amount=amount,
        reason=params.get("reason"),
        refunds=[],
        subtotal=amount - tax,
        subtotal_excluding_tax=amount - tax,
        total=amount,
        total_excluding_tax=amount - tax,
        total_taxes=taxed(amount - tax, tax),
    )
