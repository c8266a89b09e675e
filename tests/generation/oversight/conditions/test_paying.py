"""Payments that wait for a person, disputes, and events that were not handled or never rang."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Tenant
from billing.models import Payment
from generation.oversight.alerts.rules import all_kinds
from tests.making.factories import PayingCustomer
from tests.making.payment_rows import make_dispute, make_event, make_movement, make_payment

DUE = datetime(2030, 1, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def key(settings):
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_x", []


@pytest.fixture
def payment(db):
    acme = PayingCustomer("acme", balance=20)
    return make_payment(acme.id, state="paid")


def test_a_payment_for_a_person_says_why(look, payment):
    payment.state, payment.person_why = "person", "1 EUR was paid"
    payment.save()

    assert look(0) == {("payment_unclear", str(payment.id)): "acme: 1 EUR was paid"}


def test_a_refused_refund_of_a_deleted_workspace_is_for_a_person(look, payment):
    Payment.objects.update(top_up_seq=1)
    for why in ("Refused: busy", "Refused: too late"):
        make_movement(payment, "refund", cents=500, state="failed", reason=why)
    before = look(0)
    Tenant.objects.update(erasure_due_at=DUE)

    assert before == {}
    assert look(1) == {
        ("payment_unclear", str(payment.id)): "acme: not paid back. Refused: too late"
    }


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("dispute", "payment_disputed", "dispute, fraudulent, answer by 10 January, 12:00 UTC"),
        ("inquiry", "payment_disputed", "inquiry, fraudulent, answer by 10 January, 12:00 UTC"),
        (
            "warning",
            "payment_warned",
            "its bank warns of fraud, fraudulent, answer by 10 January, 12:00 UTC",
        ),
    ],
)
def test_a_complaint_is_open_until_it_is_decided(look, payment, kind, name, words):
    complaint = make_dispute(payment, kind, reason="fraudulent", due_at=DUE)

    opened = look(0)
    complaint.state = "won"
    complaint.save()

    assert opened == {(name, str(payment.id)): f"$20.00 of acme: {words}"}
    assert look(1) == {}


def test_events_that_wait_for_more_than_five_minutes(look, payment):
    make_event(payment, "evt_1", age=timedelta(minutes=4))
    soon = look(0)
    make_event(payment, "evt_2", age=timedelta(minutes=9), trouble="away")

    assert soon == {}
    assert look(1) == {("payment_events", "events"): "1 wait, the first for 10 minutes: away"}


def test_a_webhook_that_has_a_secret_and_does_not_ring(look, payment, settings):
    handled = {"handled_at": DUE, "rang": False}
    make_event(payment, "evt_1", age=timedelta(hours=3), **handled | {"rang": True})
    make_event(payment, "evt_2", age=timedelta(minutes=50), **handled)
    without = look(30)
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_x"]

    silent = look(31)
    make_event(payment, "evt_3", age=timedelta(minutes=1), **handled | {"rang": True})

    assert (without, [*silent]) == ({}, [("payment_bell", "webhook")])
    assert look(32) == {}


def test_what_the_providers_books_say_otherwise(look, payment):
    make_event(payment, "books_1", age=timedelta(0), type="books", trouble="re_1 is not booked")

    assert look(0) == {("payment_books", str(payment.id)): "re_1 is not booked"}


def test_without_a_key_there_are_no_such_conditions(look, payment, settings):
    make_dispute(payment)
    settings.STRIPE_SECRET_KEY = ""

    assert look(0) == {}
    assert not [kind for kind in all_kinds() if kind.startswith("payment")]
