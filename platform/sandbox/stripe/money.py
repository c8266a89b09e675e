"""PaymentIntents, charges, refunds, disputes, and what they do to the account's balance."""

from typing import Any, Final

from sandbox.stripe import forms
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import Refusal, Thing, listed, new_id

CARDS: Final[dict[str, tuple[str, Thing]]] = {
    "paid": ("4242", {"behaviour": "ok"}),
    "declined": ("0002", {"behaviour": "generic_decline"}),
    "3ds": ("3220", {"behaviour": "requires_action"}),
    "later": ("6789", {"behaviour": "later"}),
}
"""How a payment goes, by the page's button; the last four digits of what it is paid by."""
_OWN_CODES: Final = {"authentication_required", "expired_card", "processing_error"}
"""Decline codes that are the error's code too."""
_DISPUTE_FEE: Final = 1500
_CARD: Final = "brand country exp_month exp_year fingerprint funding last4"


def move(bank: Bank, source: Thing, cents: int, kind: str, fee: int = 0, **facts: Any) -> Thing:
    """Write a balance transaction."""
    currency = source["currency"]
    about = {"application": None, "description": "Stripe processing fees", "type": "stripe_fee"}
    return bank.add(
        "balance_transaction",
        amount=cents,
        available_on=bank.now(),
        currency=currency,
        fee=fee,
        fee_details=[{"amount": fee, "currency": currency, **about}] if fee else [],
        net=cents - fee,
        source=source["id"],
        type=kind,
        **{"reporting_category": kind, **facts},
    )


def method(bank: Bank, way: str) -> Thing:
    """A new payment method: a card, or for later payments a bank account."""
    kind, other = ("us_bank_account", "card") if way == "later" else ("card", "us_bank_account")
    made = bank.add("payment_method", type=kind)
    made[kind]["last4"] = CARDS[way][0]
    del made[other]
    return made


def intent(bank: Bank, owner: Thing, cents: int, **facts: Any) -> Thing:
    """A new PaymentIntent of a Checkout Session or an invoice."""
    of = forms.taken(owner, "currency customer")
    made = bank.add("payment_intent", amount=cents, **of, **facts)
    made["client_secret"] = f"{made['id']}_{new_id('secret')}"
    bank.owners[made["id"]] = owner["id"]
    bank.tell("payment_intent.created", made)
    return made


def attempt(bank: Bank, paying: Thing, paid_by: Thing, manner: Thing) -> None:
    """Try to take the money: it is paid, declined, to be authenticated, or paid later."""
    paying |= {"payment_method": paid_by["id"], "next_action": None, "last_payment_error": None}
    match manner["behaviour"]:
        case "ok":
            take(bank, paying)
        case "requires_action":
            url = f"{bank.origin}/stripe/pay/{bank.owners[paying['id']]}"
            way = {"redirect_to_url": {"return_url": None, "url": url}, "type": "redirect_to_url"}
            paying |= {"status": "requires_action", "next_action": way}
            bank.tell("payment_intent.requires_action", paying)
        case "later":
            paying["status"] = "processing"
            bank.tell("payment_intent.processing", paying)
        case decline_code:
            decline(bank, paying, decline_code, manner.get("advice_code"))


def authenticate(bank: Bank, paying: Thing, way: str) -> None:
    """End the wait for 3-D Secure; where it failed, no charge was tried."""
    if paying["status"] == "requires_action" and way == "authenticated":
        take(bank, paying)
    elif paying["status"] == "requires_action" and way == "failed":
        code = "payment_intent_authentication_failure"
        _fail(bank, paying, "We are unable to authenticate your payment method.", code=code)


def take(bank: Bank, paying: Thing) -> None:
    """Charge the PaymentIntent's payment method."""
    cents = paying["amount"]
    charge = _charge(bank, paying, amount_captured=cents, captured=True, status="succeeded")
    charge["receipt_url"] = f"{bank.origin}/stripe/pay/{charge['id']}"
    fee = (cents * 29 + 500) // 1000 + 30
    charge["balance_transaction"] = move(bank, charge, cents, "charge", fee)["id"]
    if bank.late_looks:
        bank.late[charge["id"]] = bank.late_looks
    paying |= {"status": "succeeded", "amount_received": cents, "next_action": None}
    bank.tell("charge.succeeded", charge)
    bank.tell("payment_intent.succeeded", paying)


def decline(bank: Bank, paying: Thing, decline_code: str, advice: str | None = None) -> None:
    """Note that the payment failed, and why."""
    code = decline_code if decline_code in _OWN_CODES else "card_declined"
    message = f"Your card was declined: {decline_code}."
    facts = {"failure_code": code, "failure_message": message, "status": "failed"}
    charge = _charge(bank, paying, **facts)
    charge["outcome"] |= {"advice_code": advice, "reason": decline_code, "type": "issuer_declined"}
    charge["outcome"]["network_status"] = "declined_by_network"
    bank.tell("charge.failed", charge)
    facts = {"charge": charge["id"], "code": code, "decline_code": decline_code}
    _fail(bank, paying, message, **facts, **({"advice_code": advice} if advice else {}))


def cancel(bank: Bank, paying: Thing, reason: str) -> None:
    """Cancel a PaymentIntent that will not be paid."""
    paying |= {"status": "canceled", "canceled_at": bank.now(), "cancellation_reason": reason}
    bank.tell("payment_intent.canceled", paying)


def _fail(bank: Bank, paying: Thing, message: str, **facts: Any) -> None:
    tried = bank.render(bank.get("payment_method", paying["payment_method"]))
    error = {"type": "card_error", "message": message, "payment_method": tried, **facts}
    paying |= {"status": "requires_payment_method", "last_payment_error": error}
    paying |= {"payment_method": None, "next_action": None}
    bank.tell("payment_intent.payment_failed", paying)


def _charge(bank: Bank, paying: Thing, **facts: Any) -> Thing:
    used = bank.get("payment_method", paying["payment_method"])
    kind = used["type"]
    details = forms.taken(used[kind], _CARD) if kind == "card" else used[kind]
    charge = bank.add(
        "charge",
        **forms.taken(paying, "amount currency customer description"),
        billing_details=used["billing_details"],
        metadata=dict(paying["metadata"]),
        paid=facts["status"] == "succeeded",
        payment_intent=paying["id"],
        payment_method=used["id"],
        payment_method_details={"type": kind, kind: details},
        **facts,
    )
    charge["refunds"] = listed([], f"/v1/charges/{charge['id']}/refunds")
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
    made = bank.add(
        "refund",
        amount=cents,
        charge=name,
        metadata=forms.metadata(params),
        reason=params.get("reason"),
        **forms.taken(charge, "currency payment_intent"),
    )
    made["balance_transaction"] = move(bank, made, -cents, "refund")["id"]
    charge["refunds"]["data"].insert(0, made["id"])
    _count(charge, cents)
    bank.tell("refund.created", made)
    bank.tell("charge.refunded", charge)
    return made


def _count(charge: Thing, cents: int) -> None:
    charge["amount_refunded"] += cents
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def fail_refund(bank: Bank, wish: Params) -> Thing:
    """Let a refund come back, perhaps weeks later."""
    made = bank.get("refund", wish["refund"])
    back = move(bank, made, made["amount"], "refund_failure")["id"]
    made |= {"status": "failed", "failure_balance_transaction": back}
    made["failure_reason"] = wish.get("reason", "lost_or_stolen_card")
    _count(bank.get("charge", made["charge"]), -made["amount"])
    for name in ("refund.updated", "refund.failed", "charge.refund.updated"):
        bank.tell(name, made, status="succeeded")
    return made


def dispute(bank: Bank, wish: Params) -> Thing:
    """Dispute a charge; inquiries and prevented ones move no money."""
    charge, kind = charge_of(bank, wish), wish.get("kind")
    states = {"inquiry": "warning_needs_response", "prevented": "prevented"}
    made = bank.add(
        "dispute",
        amount=int(wish.get("amount") or charge["amount"]),
        charge=charge["id"],
        is_charge_refundable=kind is not None,
        reason=wish.get("reason", "fraudulent"),
        status=states.get(kind or "", "needs_response"),
        **forms.taken(charge, "currency payment_intent"),
    )
    made["evidence_details"]["due_by"] = bank.now() + 9 * 24 * 3600
    case = {"inquiry": "inquiry", "prevented": "resolution"}.get(kind or "", "chargeback")
    made["payment_method_details"]["card"]["case_type"] = case
    charge["disputed"] = True
    bank.tell("charge.dispute.created", made)
    return made if kind else judge(bank, {"dispute": made["id"]}, "withdraw")


def judge(bank: Bank, wish: Params, act: str) -> Thing:
    """Withdraw what is disputed, also again; reinstate it or a part; end as won or lost."""
    made = bank.get("dispute", wish["dispute"])
    cents, moved = int(wish.get("amount") or made["amount"]), made["balance_transactions"]
    if act in {"won", "lost"}:  # an inquiry is only closed
        made["status"] = "warning_closed" if made["status"].startswith("warning") else act
        made["is_charge_refundable"] = made["status"] != "lost"
        bank.tell("charge.dispute.closed", made)
    if act == "withdraw":
        fee, made["status"] = (0, "under_review") if moved else (_DISPUTE_FEE, "needs_response")
        made["is_charge_refundable"] = False
        moved.append(move(bank, made, -cents, "adjustment", fee, reporting_category="dispute"))
        bank.tell("charge.dispute.funds_withdrawn", made)
        bank.tell("charge.dispute.updated", made)
    elif act in {"reinstate", "won"} and moved:
        back = move(bank, made, cents, "adjustment", reporting_category="dispute_reversal")
        moved.append(back)
        bank.tell("charge.dispute.funds_reinstated", made)
    return made


def warn(bank: Bank, wish: Params) -> Thing:
    """Warn that a charge is likely to be disputed as fraud."""
    charge = charge_of(bank, wish)
    made = bank.add(
        "radar.early_fraud_warning",
        actionable=not charge["refunded"] and not charge["disputed"],
        charge=charge["id"],
        fraud_type=wish.get("fraud_type", "misc"),
        payment_intent=charge["payment_intent"],
    )
    bank.tell("radar.early_fraud_warning.created", made)
    return made
