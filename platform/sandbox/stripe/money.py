"""PaymentIntents, charges, refunds, payment methods, and what they do to the account's balance."""

from typing import Any, Final

from sandbox.stripe import forms, refusals
from sandbox.stripe.bank import Bank
from sandbox.stripe.forms import Params
from sandbox.stripe.objects import NO_ADDRESS, Thing, listed, new_id
from sandbox.stripe.refusals import Refusal

PAYS: Final[Thing] = {"behaviour": "ok"}
_MESSAGES: Final = {
    "authentication_required": "Your card was declined. This transaction requires authentication.",
    "expired_card": "Your card has expired.",
    "insufficient_funds": "Your card has insufficient funds.",
}
_CODES: Final = {"authentication_required", "expired_card", "incorrect_cvc", "processing_error"}
"""Decline codes that are the error's code too."""
_NOBODY: Final = {"email": None, "name": None, "phone": None, "tax_id": None}
_OUTCOME: Final = {
    **dict.fromkeys(("advice_code", "network_advice_code", "network_decline_code", "reason")),
    "network_status": "approved_by_network",
    "risk_level": "normal",
    "seller_message": "Payment complete.",
    "type": "authorized",
}
_CARD: Final = {
    "brand": "visa",
    "country": "US",
    "exp_month": 12,
    "exp_year": 2040,
    "fingerprint": "sandboxsandbox42",
    "funding": "credit",
    "wallet": None,
}
_ACCOUNT: Final = {
    "account_holder_type": "company",
    "account_type": "checking",
    "bank_name": "SANDBOX BANK",
    "fingerprint": "sandboxsandbox67",
    "last4": "6789",
    "routing_number": "110000000",
}


def move(bank: Bank, source: Thing, amount: int, kind: str, **facts: Any) -> Thing:
    """Write a balance transaction; `fee` and `reporting_category` are among the facts."""
    fee = facts.pop("fee", 0)
    fee_facts = {"application": None, "description": "Stripe processing fees", "type": "stripe_fee"}
    details = [{"amount": fee, "currency": source["currency"], **fee_facts}] if fee else []
    return bank.add(
        "balance_transaction",
        amount=amount,
        available_on=bank.now(),
        balance_type="payments",
        currency=source["currency"],
        fee=fee,
        fee_details=details,
        net=amount - fee,
        reporting_category=facts.pop("reporting_category", kind),
        source=source["id"],
        status="available",
        type=kind,
        **facts,
    )


def method(bank: Bank, kind: str = "card", last4: str = "4242", **facts: Any) -> Thing:
    """A new payment method: a card, or a bank account."""
    details = {"last4": last4, **_CARD} if kind == "card" else dict(_ACCOUNT)
    return bank.add(
        "payment_method",
        billing_details={"address": dict(NO_ADDRESS), **_NOBODY},
        metadata={},
        type=kind,
        **{kind: details},
        **facts,
    )


def intent(bank: Bank, owner: Thing, amount: int, **facts: Any) -> Thing:
    """A new PaymentIntent of a Checkout Session or an invoice."""
    made = bank.add(
        "payment_intent",
        amount=amount,
        currency=owner["currency"],
        customer=owner["customer"],
        **{"metadata": {}, **facts},
    )
    made["client_secret"] = f"{made['id']}_secret_{new_id('x')}"
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
            redirect = {"return_url": None, "url": url}
            next_action = {"redirect_to_url": redirect, "type": "redirect_to_url"}
            paying |= {"status": "requires_action", "next_action": next_action}
            bank.tell("payment_intent.requires_action", paying)
        case "later":
            paying["status"] = "processing"
            bank.tell("payment_intent.processing", paying)
        case decline_code:
            decline(bank, paying, decline_code, manner.get("advice_code"))


def take(bank: Bank, paying: Thing) -> Thing:
    """Charge the PaymentIntent's payment method."""
    charge = _charge(bank, paying, status="succeeded", paid=True, outcome=dict(_OUTCOME))
    charge |= {"amount_captured": paying["amount"], "captured": True}
    charge["receipt_url"] = f"{bank.origin}/stripe/pay/{charge['id']}"
    fee = (paying["amount"] * 29 + 500) // 1000 + 30
    charge["balance_transaction"] = move(bank, charge, charge["amount"], "charge", fee=fee)["id"]
    if bank.late_looks:
        bank.late[charge["id"]] = bank.late_looks
    paying |= {"status": "succeeded", "amount_received": paying["amount"], "next_action": None}
    bank.tell("charge.succeeded", charge)
    bank.tell("payment_intent.succeeded", paying)
    return charge


def decline(bank: Bank, paying: Thing, decline_code: str, advice: str | None = None) -> None:
    """Note that the payment failed, and why."""
    message = _MESSAGES.get(decline_code, "Your card was declined.")
    code = decline_code if decline_code in _CODES else "card_declined"
    outcome = _OUTCOME | {
        "advice_code": advice,
        "network_status": "declined_by_network",
        "reason": decline_code,
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }
    failed = {"status": "failed", "paid": False, "outcome": outcome}
    charge = _charge(bank, paying, **failed, failure_code=code, failure_message=message)
    error = {"charge": charge["id"], "code": code, "decline_code": decline_code}
    _failed(bank, paying, message, **error, **({"advice_code": advice} if advice else {}))
    bank.tell("charge.failed", charge)
    bank.tell("payment_intent.payment_failed", paying)


def not_authenticated(bank: Bank, paying: Thing) -> None:
    """Note that 3-D Secure failed: no charge was tried."""
    message = "We are unable to authenticate your payment method."
    _failed(bank, paying, message, code="payment_intent_authentication_failure")
    bank.tell("payment_intent.payment_failed", paying)


def _failed(bank: Bank, paying: Thing, message: str, **facts: Any) -> None:
    tried = bank.render(bank.get("payment_method", paying["payment_method"]))
    error = {"type": "card_error", "message": message, "payment_method": tried, **facts}
    paying |= {"status": "requires_payment_method", "last_payment_error": error}
    paying |= {"payment_method": None, "next_action": None}


def _charge(bank: Bank, paying: Thing, **facts: Any) -> Thing:
    used = bank.get("payment_method", paying["payment_method"])
    kind = used["type"]
    names = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    details = {name: used[kind][name] for name in names} if kind == "card" else used[kind]
    charge = bank.add(
        "charge",
        amount=paying["amount"],
        amount_captured=0,
        amount_refunded=0,
        billing_details=used["billing_details"],
        captured=False,
        currency=paying["currency"],
        customer=paying["customer"],
        description=paying["description"],
        disputed=False,
        metadata=dict(paying["metadata"]),
        payment_intent=paying["id"],
        payment_method=used["id"],
        payment_method_details={"type": kind, kind: details},
        refunded=False,
        **facts,
    )
    charge["refunds"] = listed([], f"/v1/charges/{charge['id']}/refunds")
    paying["latest_charge"] = charge["id"]
    return charge


def charge_of(bank: Bank, params: Params) -> Thing:
    """The charge that a refund is to be of."""
    paid = bank.named("payment_intent", params, "payment_intent")
    if paid is None:
        forms.required(params, "charge")
        charge = bank.named("charge", params, "charge")
    else:
        charge = bank.kinds["charge"].get(paid["latest_charge"] or "")
    if charge is None or not charge["paid"]:
        raise Refusal(
            f"This PaymentIntent ({paid and paid['id']}) does not have a successful charge."
        )
    return charge


def refund(bank: Bank, params: Params) -> Thing:
    """Give a charge back, whole or in part."""
    charge = charge_of(bank, params)
    amount, name = _refundable(bank, charge, params), charge["id"]
    reason = params.get("reason")
    if reason not in {None, "duplicate", "fraudulent", "requested_by_customer"}:
        raise refusals.invalid("reason", "Invalid reason: must be one of duplicate, fraudulent, …")
    reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number"}
    made = bank.add(
        "refund",
        amount=amount,
        charge=name,
        currency=charge["currency"],
        destination_details={"card": {**reference, "type": "refund"}, "type": "card"},
        metadata=forms.merged(None, params.get("metadata")),
        payment_intent=charge["payment_intent"],
        reason=reason,
        status="succeeded",
    )
    made["balance_transaction"] = move(bank, made, -amount, "refund")["id"]
    charge["refunds"]["data"].insert(0, made["id"])
    _count(charge, amount)
    bank.tell("refund.created", made)
    bank.tell("charge.refunded", charge)
    return made


def _refundable(bank: Bank, charge: Thing, params: Params) -> int:
    left = charge["amount"] - charge["amount_refunded"]
    amount = forms.whole(params, "amount", left)
    name = charge["id"]
    if any(not each["is_charge_refundable"] for each in bank.of("dispute", charge=name)):
        message = f"Charge {name} has been charged back; cannot issue a refund."
        raise Refusal(message, code="charge_disputed")
    if not left:
        message = f"Charge {name} has already been refunded."
        raise Refusal(message, code="charge_already_refunded")
    if amount < 1:
        raise refusals.invalid("amount", "Invalid positive integer", "parameter_invalid_integer")
    if amount > left:
        sums = (
            f"(${amount / 100:.2f}) is greater than unrefunded amount on charge (${left / 100:.2f})"
        )
        raise refusals.invalid("amount", f"Refund amount {sums}")
    return amount


def _count(charge: Thing, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]


def fail_refund(bank: Bank, made: Thing, reason: str) -> None:
    """Let a refund come back, perhaps weeks later."""
    back = move(bank, made, made["amount"], "refund_failure")
    made |= {"status": "failed", "failure_reason": reason}
    made["failure_balance_transaction"] = back["id"]
    _count(bank.get("charge", made["charge"]), -made["amount"])
    for name in ("refund.updated", "refund.failed", "charge.refund.updated"):
        bank.tell(name, made, status="succeeded")
