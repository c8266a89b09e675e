"""What a customer's bank does: disputes, warnings, and saved cards that are charged alone."""

from typing import Any

import pytest
import stripe

from tests.fakes.held_to_stripe import held


@pytest.fixture
def intent(shop):
    return shop.paid(2000).payment_intent.id


def moved(dispute: Any) -> list[tuple[int, int]]:
    return [(each.amount, each.fee) for each in dispute.balance_transactions]


def test_a_dispute_takes_the_money_and_its_fee(shop, intent):
    made = shop.bank("dispute", payment_intent=intent, amount=1500, reason="product_not_received")
    dispute = held(shop.api.v1.disputes.retrieve(made["id"]))

    assert (dispute.status, dispute.reason) == ("needs_response", "product_not_received")
    assert moved(dispute) == [(-1500, 1500)]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_disputed"
    assert shop.events(dispute.id) == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
    ]


def test_a_won_dispute_gives_back_and_may_be_taken_again(shop, intent):
    made = shop.bank("dispute", payment_intent=intent)["id"]

    shop.bank("win", dispute=made, amount=1200)
    shop.bank("reinstate", dispute=made, amount=800)
    won = held(shop.api.v1.disputes.retrieve(made))
    shop.bank("withdraw", dispute=made)
    again = shop.api.v1.disputes.list({"payment_intent": intent}).data[0]
    shop.bank("lose", dispute=made)

    assert (won.status, moved(won)) == ("won", [(-2000, 1500), (1200, 0), (800, 0)])
    assert (again.status, moved(again)[-1]) == ("under_review", (-2000, 0))
    assert shop.api.v1.disputes.retrieve(made).status == "lost"


@pytest.mark.parametrize(
    ("kind", "status"), [("inquiry", "warning_needs_response"), ("prevented", "prevented")]
)
def test_an_inquiry_moves_no_money(shop, intent, kind, status):
    made = shop.bank("dispute", payment_intent=intent, kind=kind)["id"]
    dispute = held(shop.api.v1.disputes.retrieve(made))

    assert (dispute.status, moved(dispute)) == (status, [])
    assert dispute.is_charge_refundable


def test_an_inquiry_may_become_a_dispute_or_be_closed(shop, intent):
    first = shop.bank("dispute", payment_intent=intent, kind="inquiry")["id"]
    second = shop.bank("dispute", payment_intent=intent, kind="inquiry")["id"]

    shop.bank("withdraw", dispute=first)
    shop.bank("lose", dispute=second)

    assert shop.api.v1.disputes.retrieve(first).status == "needs_response"
    assert shop.api.v1.disputes.retrieve(second).status == "warning_closed"


def test_a_warning_of_fraud_names_its_payment(shop, intent):
    shop.bank("warn", payment_intent=intent, fraud_type="made_with_stolen_card")
    warnings = shop.api.v1.radar.early_fraud_warnings
    warning = held(warnings.retrieve(warnings.list({"payment_intent": intent}).data[0].id))

    assert (warning.fraud_type, warning.actionable) == ("made_with_stolen_card", True)
    assert shop.events(warning.id) == ["radar.early_fraud_warning.created"]


@pytest.fixture
def card(shop):
    """A customer's saved card, which is the default."""
    usage = {"setup_future_usage": "off_session"}
    session = shop.paid(customer=shop.customer(), payment_intent_data=usage)
    card = session.payment_intent.payment_method
    settings = {"invoice_settings": {"default_payment_method": card}}
    shop.api.v1.customers.update(session.customer, settings)
    return session.customer, card


def opened(shop: Any, customer: str, cents: int = 1000) -> Any:
    """An invoice that is finalized and not yet paid."""
    tax = {"automatic_tax": {"enabled": True}, "auto_advance": False}
    invoice = held(shop.api.v1.invoices.create({"customer": customer, **tax}))
    item = {"customer": customer, "invoice": invoice.id, "amount": cents, "description": "Top-up"}
    held(shop.api.v1.invoice_items.create(item))
    return held(shop.api.v1.invoices.finalize_invoice(invoice.id, {"auto_advance": False}))


def test_a_saved_card_pays_an_invoice_alone(shop, card):
    invoice = opened(shop, card[0])
    expand = {"expand": ["payments.data.payment.payment_intent"]}
    paid = held(shop.api.v1.invoices.pay(invoice.id, {"off_session": True, **expand}))

    assert (invoice.status, invoice.amount_due, invoice.total) == ("open", 1200, 1200)
    assert (paid.status, paid.amount_paid, paid.attempt_count) == ("paid", 1200, 1)
    link = paid.payments.data[0]
    assert link.payment.payment_intent.status == "succeeded"
    payment = {"type": "payment_intent", "payment_intent": link.payment.payment_intent.id}
    found = shop.api.v1.invoice_payments.list({"payment": payment}).data
    assert [each.invoice for each in found] == [invoice.id]
    with pytest.raises(stripe.InvalidRequestError, match="is paid, not open"):
        shop.api.v1.invoices.pay(invoice.id)


@pytest.mark.parametrize(
    ("behaviour", "code", "decline_code"),
    [
        ("insufficient_funds", "card_declined", "insufficient_funds"),
        ("authentication_required", "authentication_required", "authentication_required"),
    ],
)
def test_a_saved_card_that_is_declined_says_why(shop, card, behaviour, code, decline_code):
    shop.bank("card", payment_method=card[1], behaviour=behaviour, advice_code="do_not_try_again")
    invoice = opened(shop, card[0])

    with pytest.raises(stripe.CardError) as refused:
        shop.api.v1.invoices.pay(invoice.id)

    error: Any = refused.value.error
    assert (refused.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    assert error.advice_code == "do_not_try_again"
    assert shop.events(invoice.id)[-1] == "invoice.payment_failed"
    assert held(shop.api.v1.invoices.retrieve(invoice.id)).status == "open"
    assert held(shop.api.v1.invoices.void_invoice(invoice.id)).status == "void"
    assert shop.events(invoice.id)[-1] == "invoice.voided"


def test_a_saved_card_that_wants_its_owner_says_so(shop, card):
    shop.bank("card", payment_method=card[1], behaviour="requires_action")
    invoice = opened(shop, card[0])

    with pytest.raises(stripe.CardError) as refused:
        shop.api.v1.invoices.pay(invoice.id)

    assert refused.value.code == "invoice_payment_intent_requires_action"
    assert shop.events(invoice.id)[-1] == "invoice.payment_action_required"


def test_an_invoice_is_paid_on_its_page_with_the_customer_there(shop, card):
    shop.bank("card", payment_method=card[1], behaviour="requires_action")
    invoice = opened(shop, card[0])
    with pytest.raises(stripe.CardError):
        shop.api.v1.invoices.pay(invoice.id)

    page = shop.http.get(invoice.hosted_invoice_url).text
    shop.press(invoice.hosted_invoice_url, "authenticated")

    assert "Your bank asks" in page
    assert shop.api.v1.invoices.retrieve(invoice.id).status == "paid"


def test_no_card_is_an_error_of_the_request(shop):
    invoice = opened(shop, shop.customer())

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.v1.invoices.pay(invoice.id)

    assert refused.value.code == "resource_missing"


def test_a_draft_may_be_deleted(shop):
    draft = shop.api.v1.invoices.create({"customer": shop.customer()})

    assert (draft.status, draft.number) == ("draft", None)
    assert shop.api.v1.invoices.delete(draft.id).deleted
