"""PaymentIntents, charges, refunds, disputes, and what they do to the account's balance."""

from typing import Any, Final

from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing, listed

CARDS: Final = {
    "paid": ("4242", "ok"),
    "declined": ("0002", "generic_decline"),
    "3ds": ("3220", "requires_action"),
    "later": ("6789", "later"),
}
"""The card of a page's button: its last four digits, and how it behaves."""
_OWN_CODES: Final = {"authentication_required", "expired_card", "processing_error"}
"""Decline codes that are the error's code too."""
_DISPUTE_FEE: Final = 1500


def move(bank: Bank, source: Thing, cents: int, kind: str, fee: int = 0, **facts: Any) -> Thing:
    """Write a balance transaction."""
    sums = {"amount": cents, "fee": fee, "net": cents - fee, "available_on": bank.now()}
    about = {"source": source["id"], "type": kind, "reporting_category": kind}
    return bank.add("balance_transaction", source, **sums, **(about | facts))


def intent(bank: Bank, owner: Thing, cents: int, source: Params) -> Thing:
    """A new PaymentIntent of a Checkout Session or an invoice."""
    of = {name: owner[name] for name in ("currency", "customer")}
    made = bank.add("payment_intent", source, amount=cents, _page=bank.page_of(owner), **of)
    return bank.tell("payment_intent.created", made)


def pay_by(bank: Bank, paying: Thing, way: str) -> None:
    """Do what a button of a hosted page says."""
    if way in CARDS:
        card = bank.add("payment_method", {})
        card["card"]["last4"], behaviour = CARDS[way]
        attempt(bank, paying, card, behaviour)
    elif paying["status"] == "requires_action" and way == "authenticated":
        take(bank, paying)
    elif paying["status"] == "requires_action" and way == "failed":  # no charge was tried
        code = "payment_intent_authentication_failure"
        _fail(bank, paying, "We are unable to authenticate your payment method.", code=code)


def attempt(bank: Bank, paying: Thing, card: Thing, behaviour: str, **advice: str) -> None:
    """Try to take the money: it is paid, declined, to be authenticated, or paid later."""
    paying |= {"payment_method": card["id"], "next_action": None, "last_payment_error": None}
    if behaviour == "ok":
        take(bank, paying)
    elif behaviour == "requires_action":
        url = {"return_url": None, "url": paying["_page"]}
        paying["next_action"] = {"redirect_to_url": url, "type": "redirect_to_url"}
        bank.tell("payment_intent.requires_action", paying, status="requires_action")
    elif behaviour == "later":
        bank.tell("payment_intent.processing", paying, status="processing")
    else:
        decline(bank, paying, behaviour, **advice)


def take(bank: Bank, paying: Thing) -> None:
    """Charge the PaymentIntent's payment method."""
    cents = paying["amount"]
    charge = _charge(bank, paying, amount_captured=cents, captured=True, status="succeeded")
    charge["receipt_url"] = bank.page_of(charge)
    if bank.late_looks:
        bank.late[charge["id"]] = bank.late_looks
    else:
        _book(bank, charge)
    bank.tell("charge.succeeded", charge)
    facts = {"status": "succeeded", "amount_received": cents, "next_action": None}
    bank.tell("payment_intent.succeeded", paying, **facts)


def _book(bank: Bank, charge: Thing) -> None:
    fee = (charge["amount"] * 29 + 500) // 1000 + 30
    charge["balance_transaction"] = move(bank, charge, charge["amount"], "charge", fee)["id"]


def look(bank: Bank, text: str) -> None:
    """Book the late charges that have been in answers often enough."""
    for name in [name for name in bank.late if f'"{name}"' in text]:
        bank.late[name] -= 1
        if not bank.late[name]:
            del bank.late[name]
            _book(bank, charge := bank.get("charge", name))
            bank.tell("charge.updated", charge)


def decline(bank: Bank, paying: Thing, decline_code: str, **advice: str) -> None:
    """Note that the payment failed, and why."""
    code = decline_code if decline_code in _OWN_CODES else "card_declined"
    message = f"Your card was declined: {decline_code}."
    charge = _charge(bank, paying, failure_code=code, failure_message=message, status="failed")
    bank.tell("charge.failed", charge)
    facts = {"charge": charge["id"], "code": code, "decline_code": decline_code}
    _fail(bank, paying, message, **facts, **advice)


def cancel(bank: Bank, paying: Thing, reason: str) -> None:
    """Cancel a PaymentIntent that will not be paid."""
    facts = {"canceled_at": bank.now(), "cancellation_reason": reason, "status": "canceled"}
    bank.tell("payment_intent.canceled", paying, **facts)


def _fail(bank: Bank, paying: Thing, message: str, **facts: Any) -> None:
    tried = bank.render(bank.get("payment_method", paying["payment_method"]))
    error = {"type": "card_error", "message": message, "payment_method": tried, **facts}
    paying |= {"payment_method": None, "next_action": None, "last_payment_error": error}
    bank.tell("payment_intent.payment_failed", paying, status="requires_payment_method")


def _charge(bank: Bank, paying: Thing, **facts: Any) -> Thing:
    card = bank.get("payment_method", paying["payment_method"])
    facts |= {"paid": facts["status"] == "succeeded", "payment_intent": paying["id"]}
    facts |= {"payment_method_details": {"type": "card", "card": card["card"]}}
    facts |= {"billing_details": card["billing_details"], "refunds": listed([], "/v1/refunds")}
    charge = bank.add("charge", paying, **facts)
    paying["latest_charge"] = charge["id"]
    return charge


def charge_of(bank: Bank, params: Params) -> Thing:
    """The charge that `charge` or `payment_intent` names."""
    if name := params.get("payment_intent"):
        name = bank.get("payment_intent", name, "payment_intent")["latest_charge"]
    charge = bank.get("charge", name or params["charge"], "charge")
    if not charge["paid"]:
        raise Refusal(f"This payment does not have a successful charge to refund: {name}")
    return charge


def refund(bank: Bank, params: Params) -> Thing:
    """Give a charge back, whole or in part."""
    charge = charge_of(bank, params)
    name, left = charge["id"], charge["amount"] - charge["amount_refunded"]
    cents = int(params.get("amount", left))
    if any(not dispute["is_charge_refundable"] for dispute in bank.of("dispute", charge=name)):
        raise Refusal(f"Charge {name} has been charged back.", code="charge_disputed")
    if not left:
        message = f"Charge {name} has already been refunded."
        raise Refusal(message, code="charge_already_refunded")
    if not 1 <= cents <= left:
        message = f"Refund amount ({cents}) is greater than unrefunded amount on charge ({left})"
        raise Refusal(message, param="amount")
    made = bank.add("refund", params | _of(charge), amount=cents)
    made["balance_transaction"] = move(bank, made, -cents, "refund")["id"]
    charge["refunds"]["data"].insert(0, made["id"])
    _count(charge, cents)
    bank.tell("charge.refunded", charge)
    return bank.tell("refund.created", made)


def _of(charge: Thing) -> Thing:
    """What names a charge in the objects about it."""
    of = {name: charge[name] for name in ("currency", "payment_intent")}
    return {**of, "charge": charge["id"]}


def _count(charge: Thing, cents: int) -> None:
    charge["amount_refunded"] += cents
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def fail_refund(bank: Bank, wish: Params) -> Thing:
    """Let a refund come back, perhaps weeks later."""
    made = bank.get("refund", wish["refund"])
    back = move(bank, made, made["amount"], "refund_failure")["id"]
    reason = wish.get("reason", "lost_or_stolen_card")
    made |= {"status": "failed", "failure_balance_transaction": back, "failure_reason": reason}
    _count(bank.get("charge", made["charge"]), -made["amount"])
    for name in ("refund.updated", "refund.failed", "charge.refund.updated"):
        bank.tell(name, made)
    return made


def dispute(bank: Bank, wish: Params) -> Thing:
    """Dispute a charge; inquiries and prevented ones move no money."""
    charge, kind = charge_of(bank, wish), wish.get("kind")
    statuses = {"inquiry": "warning_needs_response", "prevented": "prevented"}
    made = bank.add(
        "dispute",
        {"amount": charge["amount"]} | wish | _of(charge),
        balance_transactions=[],
        is_charge_refundable=kind is not None,
        status=statuses.get(kind or "", "needs_response"),
    )
    made["evidence_details"]["due_by"] = bank.now() + 9 * 24 * 3600
    charge["disputed"] = True
    bank.tell("charge.dispute.created", made)
    return made if kind else withdraw(bank, {"dispute": made["id"]})


def withdraw(bank: Bank, wish: Params) -> Thing:
    """Withdraw what is disputed: at once, after an inquiry, or again."""
    made = bank.get("dispute", wish["dispute"])
    cents, moved = int(wish.get("amount") or made["amount"]), made["balance_transactions"]
    fee, status = (0, "under_review") if moved else (_DISPUTE_FEE, "needs_response")
    moved.append(move(bank, made, -cents, "adjustment", fee, reporting_category="dispute"))
    bank.tell("charge.dispute.funds_withdrawn", made, is_charge_refundable=False, status=status)
    return bank.tell("charge.dispute.updated", made)


def reinstate(bank: Bank, wish: Params) -> Thing:
    """Give what was withdrawn back, or a part of it."""
    made = bank.get("dispute", wish["dispute"])
    cents, moved = int(wish.get("amount") or made["amount"]), made["balance_transactions"]
    moved.append(move(bank, made, cents, "adjustment", reporting_category="dispute_reversal"))
    return bank.tell("charge.dispute.funds_reinstated", made)


def close(bank: Bank, wish: Params, status: str) -> Thing:
    """End a dispute as won or lost; an inquiry is only closed."""
    made = bank.get("dispute", wish["dispute"])
    made["status"] = "warning_closed" if made["status"].startswith("warning") else status
    refundable = made["status"] != "lost"
    bank.tell("charge.dispute.closed", made, is_charge_refundable=refundable)
    return reinstate(bank, wish) if status == "won" and made["balance_transactions"] else made


def warn(bank: Bank, wish: Params) -> Thing:
    """Warn that a charge is likely to be disputed as fraud."""
    charge = charge_of(bank, wish)
    about = {"actionable": not charge["refunded"] and not charge["disputed"]}
    made = bank.add("radar.early_fraud_warning", wish | _of(charge), **about)
    return bank.tell("radar.early_fraud_warning.created", made)
