import time
from typing import Any

import httpx
import pytest
import stripe

from tests.fakes.held_to_stripe import held

TAXED = {
    "automatic_tax": {"enabled": True},
    "tax_id_collection": {"enabled": True},
    "customer_update": {"address": "auto", "name": "auto"},
    "invoice_creation": {"enabled": True, "invoice_data": {"metadata": {"payment": "p1"}}},
}


def amounts(shop: Any, source: str) -> list[tuple[str, int, int]]:
    found = shop.api.v1.balance_transactions.list({"source": source}).data
    return [(each.type, each.amount, each.fee) for each in reversed(found)]


def test_what_is_paid_on_the_page_is_paid_at_the_session(shop):
    session = held(shop.checkout(2000, client_reference_id="p1", metadata={"payment": "p1"}))
    page = shop.http.get(session.url).text
    led = shop.press(session, "paid")

    assert (session.payment_status, session.payment_intent, session.amount_total) == (
        *("unpaid", None),
        2000,
    )
    assert "<td>Balance</td><td>$20.00</td>" in page
    assert (led.status_code, led.headers["location"]) == (
        303,
        f"http://shop.example/done?session={session.id}",
    )
    session = held(shop.seen(session))
    charge = session.payment_intent.latest_charge
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert (charge.amount, charge.payment_method_details.card.last4) == (2000, "4242")
    assert (charge.balance_transaction.fee, charge.balance_transaction.net) == (88, 1912)
    assert shop.events(session.id) == ["checkout.session.completed"]


def test_tax_comes_on_top_and_the_invoice_says_so(shop):
    customer = shop.customer(address={"country": "DE"}, name="Acme")
    session = shop.paid(2000, customer=customer, **TAXED)

    invoice = held(shop.api.v1.invoices.retrieve(session.invoice, {"expand": ["payments"]}))

    assert (session.amount_subtotal, session.amount_total) == (2000, 2400)
    assert session.total_details.amount_tax == 400
    assert (invoice.status, invoice.subtotal, invoice.total) == ("paid", 2000, 2400)
    assert invoice.metadata["payment"] == "p1"
    assert invoice.payments.data[0].payment.payment_intent == session.payment_intent.id


def test_a_declined_card_leaves_the_session_open(shop):
    session = shop.checkout()
    shop.press(session, "declined")

    session = held(shop.seen(session))
    error = session.payment_intent.last_payment_error

    assert (session.status, session.payment_status) == ("open", "unpaid")
    assert (error.code, error.decline_code) == ("card_declined", "generic_decline")
    assert shop.events(session.payment_intent.id) == [
        *("payment_intent.created", "payment_intent.payment_failed"),
    ]
    shop.press(session, "paid")
    assert shop.seen(session).payment_status == "paid"


@pytest.mark.parametrize(
    ("way", "status", "code"),
    [
        ("authenticated", "complete", None),
        ("failed", "open", "payment_intent_authentication_failure"),
    ],
)
def test_three_d_secure_is_a_second_page(shop, way, status, code):
    session = shop.checkout()
    shop.press(session, "3ds")

    assert "Your bank asks" in shop.http.get(session.url).text
    assert shop.seen(session).payment_intent.status == "requires_action"
    shop.press(session, way)

    session = held(shop.seen(session))
    error = session.payment_intent.last_payment_error
    assert (session.status, error and error.code) == (status, code)


@pytest.mark.parametrize(
    ("is_paid", "status", "event"),
    [
        (True, "paid", "checkout.session.async_payment_succeeded"),
        (False, "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_later_payment_is_settled_afterwards(shop, is_paid, status, event):
    session = shop.checkout()
    shop.press(session, "later")

    assert (shop.seen(session).status, shop.seen(session).payment_status) == ("complete", "unpaid")
    shop.bank("settle", session=session.id, paid=is_paid)

    assert held(shop.seen(session)).payment_status == status
    assert shop.events(session.id) == ["checkout.session.completed", event]


def test_a_session_that_nobody_pays_expires(shop):
    first, second = shop.checkout(expires_at=int(time.time()) + 1900), shop.checkout()

    shop.bank("clock", seconds=2000)
    shop.bank("clock", seconds=-2000)
    ended = held(shop.api.v1.checkout.sessions.expire(second.id))

    assert shop.seen(first).status == ended.status == "expired"
    assert shop.events(first.id) == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        shop.api.v1.checkout.sessions.expire(first.id)
    assert shop.press(first.url, "paid").headers["location"] == first.id


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"expires_at": int(time.time()) + 1500}, "expires_at", None),
        ({"expires_at": int(time.time()) + 90_000}, "expires_at", None),
        ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
        ({"success_url": "nowhere"}, "success_url", "url_invalid"),
        ({"customer": "cus_nobody"}, "customer", "resource_missing"),
        ({"customer_update": {"name": "auto"}}, "customer_update", None),
        ({"mode": "subscription"}, "mode", "parameter_unknown"),
    ],
)
def test_a_wrong_session_is_refused(shop, params, param, code):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(**params)

    assert (refused.value.http_status, refused.value.param, refused.value.code) == (
        400,
        param,
        code,
    )


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"automatic_tax": {"enabled": True}}, "automatic_tax"),
        ({"tax_id_collection": {"enabled": True}}, "tax_id_collection"),
    ],
)
def test_tax_demands_that_the_customer_may_be_updated(shop, params, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.checkout(customer=shop.customer(), **params)

    assert refused.value.param == param


def test_a_card_is_saved_where_the_session_says_so(shop):
    customer = shop.customer()
    data = {"setup_future_usage": "off_session", "metadata": {"payment": "p1"}}
    session = shop.paid(customer=customer, payment_intent_data=data)
    cards = shop.api.v1.customers.payment_methods.list(customer, {"type": "card"}).data

    assert session.payment_intent.metadata["payment"] == "p1"
    assert [card.card.last4 for card in cards] == ["4242"]
    settings = {"invoice_settings": {"default_payment_method": cards[0].id}}
    updated = held(shop.api.v1.customers.update(customer, settings))
    assert updated.invoice_settings.default_payment_method == cards[0].id
    held(shop.api.v1.payment_methods.retrieve(cards[0].id))
    shop.api.v1.customers.delete(customer)
    assert shop.api.v1.customers.retrieve(customer).deleted
    assert shop.api.v1.payment_methods.retrieve(cards[0].id).customer is None


def test_a_refund_gives_a_part_back(shop):
    intent = shop.paid(2000).payment_intent
    about = {"payment_intent": intent.id, "metadata": {"movement": "m1"}}

    refund = held(shop.api.v1.refunds.create({**about, "amount": 500}))
    charge = held(shop.api.v1.charges.retrieve(intent.latest_charge.id, {"expand": ["refunds"]}))

    assert (refund.status, refund.amount, refund.metadata["movement"]) == ("succeeded", 500, "m1")
    assert (charge.amount_refunded, charge.refunded) == (500, False)
    assert [each.id for each in charge.refunds.data] == [refund.id]
    assert amounts(shop, refund.id) == [("refund", -500, 0)]
    assert shop.events(charge.id) == ["charge.succeeded", "charge.refunded"]
    found = shop.api.v1.refunds.list({"payment_intent": intent.id}).data
    assert [each.id for each in found] == [refund.id]


@pytest.mark.parametrize(
    ("before", "amount", "param", "code"),
    [
        (0, 2001, "amount", None),
        (500, 1501, "amount", None),
        (2000, 1, None, "charge_already_refunded"),
    ],
)
def test_more_than_was_paid_is_not_refunded(shop, before, amount, param, code):
    intent = shop.paid(2000).payment_intent.id
    if before:
        shop.bank("refund", payment_intent=intent, amount=before)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.api.v1.refunds.create({"payment_intent": intent, "amount": amount})

    assert (refused.value.param, refused.value.code) == (param, code)


def test_a_refund_may_come_back(shop):
    charge = shop.paid(2000).payment_intent.latest_charge.id
    refund = shop.api.v1.refunds.create({"charge": charge})

    shop.bank("fail_refund", refund=refund.id)
    refund = held(shop.api.v1.refunds.retrieve(refund.id))

    assert (refund.status, refund.failure_reason) == ("failed", "lost_or_stolen_card")
    assert amounts(shop, refund.id) == [("refund", -2000, 0), ("refund_failure", 2000, 0)]
    assert shop.api.v1.charges.retrieve(charge).amount_refunded == 0
    assert shop.events(refund.id) == [
        *("refund.created", "refund.updated", "refund.failed", "charge.refund.updated"),
    ]


def test_a_credit_note_refunds_with_the_tax(shop):
    customer = shop.customer(address={"country": "DE"})
    session = shop.paid(2000, customer=customer, **TAXED)

    about = {"invoice": session.invoice, "metadata": {"movement": "m1"}}
    note = held(shop.api.v1.credit_notes.create({**about, "amount": 600, "refund_amount": 600}))

    assert (note.amount, note.subtotal, note.total_taxes[0].amount) == (600, 500, 100)
    assert shop.api.v1.refunds.retrieve(note.refunds[0].refund).amount == 600
    assert [each.id for each in shop.api.v1.credit_notes.list({"invoice": session.invoice})] == [
        note.id
    ]
    with pytest.raises(stripe.InvalidRequestError, match="greater than what is left"):
        shop.api.v1.credit_notes.create({**about, "amount": 1801, "refund_amount": 1801})


def test_a_fee_is_known_late_when_it_is_asked_for(shop):
    shop.bank("late", looks=2)
    charge = shop.paid().payment_intent.latest_charge.id
    shop.bank("late", looks=0)

    looks = [shop.api.v1.charges.retrieve(charge).balance_transaction for _ in "12"]

    assert [look is None for look in looks] == [True, False]
    assert shop.events(charge) == ["charge.succeeded", "charge.updated"]


def test_the_portal_is_a_page_of_one_customer(shop):
    features = {"payment_method_update": {"enabled": True}, "invoice_history": {"enabled": True}}
    portal = shop.api.v1.billing_portal
    made = held(portal.configurations.create({"features": features, "metadata": {"of": "us"}}))
    about = {"customer": shop.customer(), "configuration": made.id}
    session = held(portal.sessions.create({**about, "return_url": "http://shop.example/"}))

    assert portal.configurations.retrieve(made.id).metadata["of"] == "us"
    assert 'href="http://shop.example/"' in shop.http.get(session.url).text


def test_what_a_customer_types_is_no_markup(shop):
    product = {"name": "<script>alert(1)</script>"}
    price = {"currency": "usd", "unit_amount": 2000, "product_data": product}
    session = shop.checkout(line_items=[{"quantity": 1, "price_data": price}])

    page: httpx.Response = shop.http.get(session.url)

    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
