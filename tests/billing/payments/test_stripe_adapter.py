"""What the adapter asks of Stripe, and what it makes of the answers, as the sandbox plays it."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from billing.payments.port import Ids, ProviderRefused
from pictor.kit.words import clock
from tests.billing.payments.asking import (
    MOVEMENT,
    PAYMENT,
    checkout,
    details,
    ids_of,
    kinds,
    paid,
    pay_back,
    present,
    provider,
)

MINUTE = timedelta(minutes=1)


def test_a_customer_pays_on_the_providers_page(cards):
    page = provider().begin(checkout())

    before = present(session_id=page.session_id)
    cards.door("pay", session=page.session_id, way="paid")
    after = present(session_id=page.session_id)

    assert page.url.startswith(cards.url)
    assert (before.state, before.subtotal_cents, before.currency) == ("open", 2_000, "usd")
    assert (after.state, after.live, after.currency) == ("paid", False, "usd")
    assert (after.subtotal_cents, after.amount_cents, after.tax_cents) == (2_000, 2_000, 0)
    assert (after.fee_cents, after.fee_currency) == (88, "usd")
    assert (after.card_brand, after.card_last4) == ("visa", "4242")
    assert after.invoice_number
    assert after.invoice_url.startswith(cards.url)
    assert kinds(after) == [("charge", 2_000, "done")]
    assert after.movements[0].provider_id == after.charge_id


def test_a_look_at_a_paid_payment_takes_three_calls(cards):
    payment = paid(cards)
    cards.asked.clear()

    present(session_id=payment.session_id)

    assert cards.paths() == [
        "get /v1/checkout/sessions/ID",
        "get /v1/disputes",
        "get /v1/radar/early_fraud_warnings",
    ]


def test_what_is_asked_for_is_one_card_payment_without_surprises(cards):
    begun = checkout(keeps_card=True)

    provider().begin(begun)

    path, sent = cards.asked[-1]
    metadata = {"pictor_payment": str(PAYMENT), "pictor_tenant": str(begun.tenant_id)}
    assert path == "post /v1/checkout/sessions"
    assert sent["allowed_payment_method_types"] == ["card"]
    assert sent["adaptive_pricing"] == {"enabled": False}
    assert sent["allow_promotion_codes"] is False
    assert sent["client_reference_id"] == str(PAYMENT)
    assert sent["payment_intent_data"] == {
        "metadata": metadata,
        "setup_future_usage": "off_session",
    }
    assert sent["invoice_creation"]["invoice_data"]["metadata"] == metadata
    assert not {"automatic_tax", "tax_id_collection", "customer_update"} & set(sent)


def test_tax_comes_on_top(cards, settings):
    settings.STRIPE_TAX_CODE = "txcd_10103001"

    payment = paid(cards)

    assert payment.state == "paid"
    assert payment.subtotal_cents == 2_000
    assert (payment.tax_cents, payment.amount_cents) == (400, 2_400)


def test_the_same_payment_is_one_page(cards):
    begun = checkout()

    first, again = provider().begin(begun), provider().begin(begun)

    assert first == again
    with pytest.raises(ProviderRefused) as refused:
        provider().begin(replace(begun, cents=5_000))
    assert refused.value.code == "idempotency_error"


@pytest.mark.parametrize("way", ["declined", "3ds", "later"])
def test_a_payment_without_money_is_open(cards, way):
    payment = paid(cards, way)

    assert payment.state == "open"
    assert payment.movements == ()
    assert payment.charge_id == ""


@pytest.mark.parametrize(("is_paid", "state"), [(True, "paid"), (False, "failed")])
def test_a_payment_that_comes_later_ends(cards, is_paid, state):
    payment = paid(cards, "later")

    cards.door("settle", session=payment.session_id, paid=is_paid)

    assert present(session_id=payment.session_id).state == state


def test_a_page_ends_once(cards):
    page = provider().begin(checkout())

    provider().end(page.session_id)
    provider().end(page.session_id)
    provider().end("cs_test_unknown")

    assert present(session_id=page.session_id).state == "expired"


def test_a_paid_page_is_not_ended(cards):
    payment = paid(cards)

    provider().end(payment.session_id)

    assert present(session_id=payment.session_id).state == "paid"


@pytest.mark.parametrize("name", ["payment_intent_id", "invoice_id"])
def test_a_payment_is_found_by_each_of_its_ids(cards, name):
    payment = paid(cards)

    found = present(**{name: getattr(payment, name)})

    assert (found.state, found.subtotal_cents) == ("paid", 2_000)
    assert found.charge_id == payment.charge_id


def test_objects_of_others_are_no_payment(cards):
    payment = paid(cards)

    others = [
        replace(ids_of(payment), payment_id=UUID(int=9)),
        Ids(PAYMENT, session_id="cs_test_unknown"),
        Ids(PAYMENT, payment_intent_id="pi_unknown"),
        Ids(PAYMENT, invoice_id="in_unknown"),
        Ids(PAYMENT),
    ]

    assert [provider().present(ids) for ids in others] == [None] * 5


def test_the_fee_is_unknown_until_its_transaction_comes(cards):
    cards.door("late", looks=2)

    payment = paid(cards)

    assert (payment.state, payment.fee_cents, payment.fee_currency) == ("paid", None, "")


def test_a_payment_is_paid_back_by_a_credit_note(cards, settings):
    settings.STRIPE_TAX_CODE = "txcd_10103001"
    payment = paid(cards)

    asked = provider().pay_back(pay_back(payment, 600))
    again = provider().pay_back(pay_back(payment, 600))
    after = present(session_id=payment.session_id)

    assert asked == again
    assert (asked.kind, asked.cents, asked.ours) == ("refund", 600, MOVEMENT)
    assert kinds(after) == [("charge", 2_400, "done"), ("refund", 600, "done")]
    assert after.movements[1].ours == MOVEMENT
    assert after.movements[1].provider_id == asked.provider_id


def test_a_payment_without_an_invoice_is_refunded(cards):
    payment = replace(paid(cards), invoice_id="")

    asked = provider().pay_back(pay_back(payment, 2_000))

    assert (asked.state, asked.cents, asked.ours) == ("done", 2_000, MOVEMENT)
    assert provider().paid_back(pay_back(payment, 2_000)) == asked


def test_a_refund_is_found_by_our_id(cards):
    payment = paid(cards)
    made = provider().pay_back(pay_back(payment, 600))

    found = provider().paid_back(pay_back(payment, 600))
    other = provider().paid_back(pay_back(payment, 600, UUID(int=4)))

    assert found == replace(made, state="done", at=found.at if found else made.at)
    assert other is None


def test_more_than_was_paid_is_refused(cards):
    payment = paid(cards)

    with pytest.raises(ProviderRefused):
        provider().pay_back(pay_back(payment, 2_001))


def test_a_refund_of_the_dashboard_has_no_id_of_ours_and_may_fail_later(cards):
    payment = paid(cards)
    refund = cards.door("refund", charge=payment.charge_id, amount=500)

    before = present(session_id=payment.session_id)
    cards.door("fail_refund", refund=refund["id"])
    after = present(session_id=payment.session_id)

    assert kinds(before)[1:] == [("refund", 500, "done")]
    assert before.movements[1].ours is None
    assert kinds(after)[1:] == [("refund", 500, "failed")]


def test_a_dispute_takes_and_gives_back_as_its_transactions_say(cards):
    payment = paid(cards)

    made = cards.door("dispute", charge=payment.charge_id, amount=1_500, reason="fraudulent")
    taken = present(session_id=payment.session_id)
    cards.door("win", dispute=made["id"], amount=1_000)
    won = present(session_id=payment.session_id)

    dispute = taken.disputes[0]
    assert (dispute.kind, dispute.state, dispute.cents) == ("dispute", "open", 1_500)
    assert (dispute.reason, dispute.fee_cents) == ("fraudulent", 1_500)
    assert dispute.due_at is not None
    assert dispute.due_at > clock.now()
    assert dispute.link == f"https://dashboard.stripe.com/test/disputes/{made['id']}"
    assert kinds(taken)[1:] == [("withdrawal", 1_500, "done")]
    assert won.disputes[0].state == "won"
    assert kinds(won)[1:] == [("withdrawal", 1_500, "done"), ("reinstatement", 1_000, "done")]
    assert {move.dispute for move in won.movements[1:]} == {made["id"]}


@pytest.mark.parametrize(("kind", "state"), [("inquiry", "open"), ("prevented", "closed")])
def test_an_inquiry_and_a_prevented_dispute_move_no_money(cards, kind, state):
    payment = paid(cards)

    cards.door("dispute", charge=payment.charge_id, kind=kind)

    after = present(session_id=payment.session_id)
    assert kinds(after) == [("charge", 2_000, "done")]
    assert [(each.kind, each.state) for each in after.disputes] == [("inquiry", state)]


def test_a_warning_of_fraud_is_seen(cards):
    payment = paid(cards)

    cards.door("warn", charge=payment.charge_id, fraud_type="made_with_stolen_card")

    warning = present(session_id=payment.session_id).disputes[0]
    assert (warning.kind, warning.state, warning.cents) == ("warning", "open", 2_000)
    assert warning.reason == "made_with_stolen_card"


def test_a_key_that_may_not_read_warnings_sees_what_was_paid(cards):
    payment = paid(cards)
    cards.door("warn", charge=payment.charge_id)
    cards.door("trouble", kind="403", path="GET /v1/radar")

    seen = present(session_id=payment.session_id)

    assert (seen.state, seen.disputes) == ("paid", ())


def test_a_workspace_is_one_customer_with_its_details(cards):
    first = provider().keep_customer(details(), customer=None)
    again = provider().keep_customer(details(name="Acme Inc."), customer=None)
    kept = provider().keep_customer(
        details(address="1 Main St\nSpringfield", purchase_order="PO-7"), customer=first
    )

    assert first == again == kept
    assert cards.asked[-1] == (
        "post /v1/customers/ID",
        {
            "name": "Acme",
            "email": "pay@acme.example",
            "metadata": {"pictor_tenant": str(details().tenant_id)},
            "invoice_settings": {"custom_fields": [{"name": "Purchase order", "value": "PO-7"}]},
            "address": {"line1": "1 Main St", "line2": "Springfield"},
        },
    )


def test_with_stripe_tax_the_workspaces_address_is_sent_too(cards, settings):
    settings.STRIPE_TAX_CODE = "txcd_10103001"
    first = provider().keep_customer(details(), customer=None)

    provider().keep_customer(details(address="1 Main St\nSpringfield"), customer=first)

    assert cards.asked[-1][1]["address"] == {"line1": "1 Main St", "line2": "Springfield"}


def test_a_deleted_customer_is_made_anew(cards):
    first = provider().keep_customer(details(), customer=None)
    provider().forget_customer(first)
    provider().forget_customer(first)

    second = provider().keep_customer(details(), customer=first)

    assert second != first


def test_the_portals_configuration_is_made_once(cards, settings):
    customer = provider().keep_customer(details(), customer=None)

    address = provider().portal(customer, back_to="https://pictor.example/billing/")
    provider().portal(customer, back_to="https://pictor.example/billing/")
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_" + "another" * 4]  # another process
    provider().portal(customer, back_to="https://pictor.example/billing/")

    assert address.startswith(cards.url)
    assert cards.paths().count("post /v1/billing_portal/configurations") == 1


def test_the_books_have_each_source_and_its_payment(cards):
    payment = paid(cards)
    refund = cards.door("refund", charge=payment.charge_id, amount=500)
    dispute = cards.door("dispute", charge=payment.charge_id, amount=1_000)

    now = clock.now()
    entries = list(provider().entries(now - MINUTE, now + MINUTE))

    assert sorted((entry.kind, entry.source_id, entry.cents) for entry in entries) == [
        ("charge", payment.charge_id, 2_000),
        ("dispute", dispute["id"], -1_000),
        ("refund", refund["id"], -500),
    ]
    assert {entry.payment_intent_id for entry in entries} == {payment.payment_intent_id}
