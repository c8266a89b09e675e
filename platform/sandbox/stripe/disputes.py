"""Disputes and warnings of fraud: what a bank does, not the merchant."""

from typing import Any

from sandbox.stripe import money
from sandbox.stripe.bank import Bank
from sandbox.stripe.objects import Thing

FEE = 1500
"""Cents that each dispute costs."""
_TEXTS = (
    *("access_activity_log", "billing_address", "cancellation_policy"),
    *("cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication"),
    *("customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature"),
    *("duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id"),
    *("product_description", "receipt", "refund_policy", "refund_policy_disclosure"),
    *("refund_refusal_explanation", "service_date", "service_documentation"),
    *("shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation"),
    *("shipping_tracking_number", "uncategorized_file", "uncategorized_text"),
)


def open_one(bank: Bank, charge: Thing, *, amount: int, reason: str, status: str) -> Thing:
    """Dispute a charge; money moves only where the status is `needs_response`."""
    case = {"warning_needs_response": "inquiry", "prevented": "resolution"}
    evidence_details = {
        "due_by": bank.now() + 9 * 24 * 3600,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }
    card = {"brand": "visa", "case_type": case.get(status, "chargeback"), "network": "visa"}
    made = bank.add(
        "dispute",
        amount=amount,
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence={**dict.fromkeys(_TEXTS), "enhanced_evidence": {}},
        evidence_details=evidence_details,
        is_charge_refundable=status != "needs_response",
        metadata={},
        payment_intent=charge["payment_intent"],
        payment_method_details={"card": {**card, "network_reason_code": "10"}, "type": "card"},
        reason=reason,
        status=status,
    )
    charge["disputed"] = True
    bank.tell("charge.dispute.created", made)
    if status == "needs_response":
        withdraw(bank, made)
    return made


def withdraw(bank: Bank, made: Thing, amount: int | None = None) -> None:
    """Take the money: at a dispute's begin, after an inquiry, or again after an appeal."""
    before = made["status"]
    taken = made["balance_transactions"]
    made["status"] = "appeal_under_review" if taken else "needs_response"
    _move(bank, made, -(amount or made["amount"]), "dispute", fee=0 if taken else FEE)
    made["is_charge_refundable"] = False
    bank.tell("charge.dispute.funds_withdrawn", made)
    if before != made["status"]:
        bank.tell("charge.dispute.updated", made, status=before)


def reinstate(bank: Bank, made: Thing, amount: int) -> None:
    """Give money back, or a part of it."""
    _move(bank, made, amount, "dispute_reversal")
    bank.tell("charge.dispute.funds_reinstated", made)


def close(bank: Bank, made: Thing, status: str) -> None:
    """End a dispute as won, lost or, of an inquiry, `warning_closed`."""
    before, made["status"] = made["status"], status
    made["is_charge_refundable"] = status != "lost"
    bank.tell("charge.dispute.closed", made, status=before)


def _move(bank: Bank, made: Thing, amount: int, category: str, **facts: Any) -> None:
    description = f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {made['charge']}"
    facts |= {"reporting_category": category, "description": description}
    made["balance_transactions"].append(money.move(bank, made, amount, "adjustment", **facts))


def warn(bank: Bank, charge: Thing, fraud_type: str) -> Thing:
    """Warn that a charge is likely to be disputed as fraud."""
    made = bank.add(
        "radar.early_fraud_warning",
        actionable=not charge["refunded"] and not charge["disputed"],
        charge=charge["id"],
        fraud_type=fraud_type,
        payment_intent=charge["payment_intent"],
    )
    bank.tell("radar.early_fraud_warning.created", made)
    return made
