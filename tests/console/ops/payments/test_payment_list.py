"""The list of payments by card: filters, and what a row says."""

from datetime import timedelta

import pytest

from console.ops.declared import LISTS
from pictor.kit.words import clock
from tests.console.answers import lines_of, said_by
from tests.making.factories import PayingCustomer
from tests.making.payment_rows import make_dispute, make_movement, make_payment

PAGE = "/ops/payments/"


@pytest.fixture
def payments(acme):
    """Five payments by what tells them apart, with the ids of each."""
    now, zoo = clock.now(), PayingCustomer("zoo")
    made = {
        "paid": make_payment(acme.id, state="paid", begun_at=now),
        "automatic": make_payment(acme.id, cents=5_000, state="paid", automatic=True),
        "disputed": make_payment(acme.id, state="paid"),
        "old": make_payment(acme.id, state="expired", begun_at=now - timedelta(days=60)),
        "zoo": make_payment(zoo.id, state="person", person_why="1 EUR was paid"),
    }
    make_dispute(made["disputed"])
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"paid", "automatic", "disputed", "old", "zoo"}),
        ({"tenant": "zoo"}, {"zoo"}),
        ({"state": "paid"}, {"paid", "automatic", "disputed"}),
        ({"automatic": "1"}, {"automatic"}),
        ({"disputed": "1"}, {"disputed"}),
        ({"period": "30d"}, {"paid", "automatic", "disputed", "zoo"}),
        ({"tenant": "acme", "state": "expired"}, {"old"}),
    ],
)
def test_payments_are_found_by_filters(owner, payments, query, found):
    names = {str(payment.pk): name for name, payment in payments.items()}

    rows = lines_of(owner.get(PAGE, {**query, "format": "csv"}))

    assert {names[row["id"]] for row in rows} == found


def test_a_row_says_what_went_back(owner, acme):
    payment = make_payment(
        acme.id, state="paid", amount_cents=2_380, tax_cents=380, currency="usd",
        card_brand="visa", card_last4="4242", paid_at=clock.now(),
    )  # fmt: skip
    make_movement(payment, "refund", cents=500)
    make_movement(payment, "refund", cents=300, state="failed")
    make_movement(payment, "withdrawal", cents=1_500)
    make_movement(payment, "reinstatement", cents=500)

    words = said_by(owner.get(PAGE))

    assert "$20.00 acme ● Paid $23.80 tax $3.80 $5.00 disputed $10.00 Visa …4242" in words


def test_a_dispute_stands_before_the_state(owner, payments):
    make_dispute(payments["paid"], "warning", provider_id="issfr_1")

    words = said_by(owner.get(PAGE))

    assert "◆ Dispute" in words
    assert "■ Fraud warning" in words
    assert "■ For a person 1 EUR was paid" in words


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}01944000-0000-7000-8000-000000000000/"])
def test_without_a_key_there_is_no_page_of_payments(owner, settings, path):
    settings.STRIPE_SECRET_KEY = ""

    assert owner.get(path).status_code == 404
    assert "payments" not in LISTS
    assert "Payments" not in said_by(owner.get("/ops/"))
