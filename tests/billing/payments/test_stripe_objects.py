"""Stripe's objects read: accounts that settle in another currency, and states that are rare."""

from typing import Any
from uuid import UUID

import pytest
import stripe

from billing.payments.port import Ids, PayBack, ProviderRefused
from billing.payments.stripe import stripe_objects as objects
from billing.payments.stripe import stripe_params as params
from sandbox.stripe import objects as sandbox_objects
from tests.billing.payments.asking import MOVEMENT, PAYMENT, checkout, details, provider
from tests.fakes.card_provider import KEY

AT = 1_790_000_000


def taken(amount: int, *, rate: float | None = 0.85, currency: str = "eur") -> dict[str, Any]:
    """A balance transaction of a dispute, in an account in euros."""
    return {
        "object": "balance_transaction",
        "id": f"txn_{amount}",
        "amount": amount,
        "currency": currency,
        "exchange_rate": rate,
        "fee": 1_500 if amount < 0 else 0,
        "created": AT,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
    }


def dispute(status: str, *transactions: dict[str, Any], amount: int = 2_000) -> stripe.Dispute:
    made = stripe.Dispute.construct_from(
        {
            "object": "dispute",
            "id": "du_1",
            "amount": amount,
            "currency": "usd",
            "status": status,
            "reason": "fraudulent",
            "created": AT,
            "livemode": True,
            "evidence_details": {"due_by": None},
            "balance_transactions": list(transactions),
        },
        KEY,
    )
    assert isinstance(made, stripe.Dispute)
    return made


@pytest.mark.parametrize(
    ("transactions", "moved"),
    [
        ([], []),
        ([taken(-2_000, rate=None, currency="usd")], [("withdrawal", 2_000)]),
        ([taken(-1_700)], [("withdrawal", 2_000)]),
        ([taken(-1_701)], [("withdrawal", 2_000)]),  # rounded to whole cents of a euro
        (
            [taken(-1_700), taken(1_660, rate=0.83)],
            [("withdrawal", 2_000), ("reinstatement", 2_000)],
        ),
        ([taken(-1_700), taken(850)], [("withdrawal", 2_000), ("reinstatement", 1_000)]),
        (
            [taken(-1_700), taken(1_700), taken(-1_640, rate=0.82)],
            [("withdrawal", 2_000), ("reinstatement", 2_000), ("withdrawal", 2_000)],
        ),
        ([taken(-3_100, rate=1.55, currency="jpy")], [("withdrawal", 2_000)]),
        ([taken(0)], []),
    ],
)
def test_what_a_dispute_took_is_in_the_customers_currency(transactions, moved):
    """elizaOS/eliza #10920, #11155: a won dispute gave back too little, or in the wrong unit."""
    movements = list(objects.dispute_movements(dispute("lost", *transactions)))

    assert [(move.kind, move.cents) for move in movements] == moved


@pytest.mark.parametrize(
    ("status", "kind", "state"),
    [
        ("needs_response", "dispute", "open"),
        ("under_review", "dispute", "open"),
        ("appeal_needs_response", "dispute", "open"),
        ("appeal_under_review", "dispute", "open"),
        ("won", "dispute", "won"),
        ("lost", "dispute", "lost"),
        ("warning_needs_response", "inquiry", "open"),
        ("warning_under_review", "inquiry", "open"),
        ("warning_closed", "inquiry", "closed"),
        ("prevented", "inquiry", "closed"),
        ("a_later_status", "dispute", "open"),
    ],
)
def test_each_status_of_a_dispute_is_known(status, kind, state):
    read = objects.dispute_from(dispute(status))

    assert (read.kind, read.state) == (kind, state)
    assert read.fee_cents is None
    assert read.link == "https://dashboard.stripe.com/disputes/du_1"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", "done"),
        ("pending", "pending"),
        ("requires_action", "pending"),
        ("failed", "failed"),
        ("canceled", "failed"),
        (None, "pending"),
    ],
)
def test_each_status_of_a_refund_is_known(status, state):
    refund: Any = stripe.Refund.construct_from(
        {
            "object": "refund",
            "id": "re_1",
            "amount": 5,
            "status": status,
            "created": AT,
            "metadata": {"pictor_movement": str(UUID(int=5))},
        },
        KEY,
    )

    assert objects.refund_movement(refund, None).state == state
    assert objects.refund_movement(refund, UUID(int=6)).ours == UUID(int=5)


def test_an_id_in_metadata_that_is_none_of_ours_is_passed_over():
    thing = stripe.StripeObject.construct_from({"metadata": {"pictor_payment": "17"}}, KEY)

    assert objects.our_id(thing, "pictor_payment") is None
    assert objects.our_id(thing, "pictor_tenant") is None


@pytest.mark.parametrize(
    ("invoice", "intent", "state"),
    [
        ("draft", None, "open"),
        ("open", None, "open"),
        ("open", "requires_payment_method", "open"),
        ("open", "processing", "open"),
        ("open", "requires_action", "failed"),
        ("paid", "succeeded", "paid"),
        ("paid", "requires_payment_method", "failed"),  # by hand, in the dashboard
        ("paid", None, "failed"),
        ("void", "canceled", "expired"),
        ("uncollectible", None, "expired"),
    ],
)
def test_an_invoice_is_paid_only_by_its_intent(invoice, intent, state):
    facts = {"id": "in_1", "number": None, "hosted_invoice_url": None, "livemode": True}
    totals = {"subtotal": 100, "total": 100, "total_taxes": None, "currency": "usd"}
    made: Any = stripe.Invoice.construct_from({**facts, **totals, "status": invoice}, KEY)
    tried: Any = intent and stripe.PaymentIntent.construct_from(
        {"id": "pi_1", "status": intent, "last_payment_error": None}, KEY
    )

    assert objects.invoice_present(made, tried).state == state


@pytest.mark.parametrize(
    "kind",
    ["invoice", "payment_intent", "charge", "credit_note", "dispute", "radar.early_fraud_warning"],
)
def test_objects_of_both_modes_are_no_payment(cards, monkeypatch, kind):
    live = {**sandbox_objects.KINDS[kind], "livemode": True}
    monkeypatch.setitem(sandbox_objects.KINDS, kind, live)
    page = provider().begin(checkout())
    session = cards.door("pay", session=page.session_id)
    invoiced = Ids(PAYMENT, invoice_id=session["invoice"])
    provider().pay_back(PayBack(MOVEMENT, "key", invoiced, 100))
    for act in ("warn", "dispute"):
        cards.door(act, payment_intent=session["payment_intent"])

    with pytest.raises(ProviderRefused) as refused:
        provider().present(Ids(PAYMENT, session_id=page.session_id))

    assert refused.value.code == "mixed_modes"


def test_with_stripe_tax_the_parts_of_an_address_that_checkout_asked_for_stay():
    kept = {"city": "Berlin", "country": "DE", "postal_code": "10997", "state": None}
    known: Any = stripe.Customer.construct_from({"id": "cus_1", "address": kept}, KEY).address
    ours = details(address="Kanalstr. 1\n10997 Berlin")

    sent = params.customer(ours, "txcd_1", known)

    assert sent["address"] == {
        "line1": "Kanalstr. 1", "line2": "10997 Berlin", "city": "Berlin", "country": "DE",
        "postal_code": "10997",
    }  # fmt: skip
    assert "address" not in params.customer(details(), "txcd_1", known)
    assert params.customer(details(), "", None)["address"] == ""
