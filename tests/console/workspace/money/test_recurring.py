"""Automatic top-ups, billing details, what is owed, and a deletion with card money left."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import AuditEvent, Membership, User
from billing.models import Payment, PaymentCustomer
from billing.payments.port import ProviderAway
from billing.selectors.office.payments import card_money_left
from billing.services.office.accounts import adjust
from billing.services.office.automatic import top_up_due
from billing.services.office.payments import follow
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.console.answers import said_by, words_of
from tests.console.workspace.conftest import SignIn, paid_by_card, url
from tests.fakes.cards_in_memory import CardsInMemory
from tests.making.factories import PayingCustomer

AMOUNTS = {"below_micros": "10", "add_cents": "20", "most_cents": "100"}
Pay = Callable[..., Payment]


@pytest.fixture(autouse=True)
def cards(takes_cards: CardsInMemory) -> CardsInMemory:
    return takes_cards


@pytest.fixture
def client(acme: PayingCustomer, sign_in: SignIn) -> Client:
    """An owner with a verified address."""
    client = sign_in(acme)
    User.objects.update(email_verified_at=clock.now())
    return client


@pytest.fixture
def agree(acme: PayingCustomer, client: Client) -> Callable[..., Any]:
    """Send the form of automatic top-ups: `agree(add_cents="5")`."""

    def post(**fields: object) -> Any:
        form = {"once": uuid4(), **AMOUNTS, "agrees": "on", **fields}
        return client.post(url("automatic", acme), form)

    return post


@pytest.fixture
def pay(acme: PayingCustomer, client: Client, cards: CardsInMemory) -> Pay:
    """Pay by card, and book it: `pay("20")`."""

    def by_card(dollars: str) -> Payment:
        client.post(url("pay", acme), {"once": uuid4(), "typed": dollars})
        payment = Payment.objects.get(tenant=acme.tenant, state="begun")
        cards.pay(payment.id)
        return follow(payment.id, now=clock.now())

    return by_card


def test_with_a_saved_card_they_are_on_at_once_and_say_what_was_agreed(acme, client, agree):
    before = client.get(url("automatic", acme))

    assert agree().status_code == 302

    page, text = (
        said_by(client.get(url("automatic", acme))),
        "Whenever less than $10.00 is available",
    )
    assert "Nobody has agreed to automatic top-ups." in said_by(before)
    assert f"{text}, charge $20.00 to the saved card, at most $100.00 in a calendar month" in page
    assert "Agreed by owner@acme.example" in page
    kept = AuditEvent.objects.get(action="automatic.agree").after
    assert kept is not None
    assert kept["text"].startswith(text)


def test_without_a_saved_card_the_first_payment_saves_it(acme, cards, agree):
    cards.without_cards = True

    answer = agree()

    payment = Payment.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, payment.page_url)
    assert (payment.asked_cents, cards.parameters[str(payment.id)].keeps_card) == (2000, True)
    top_up_due(clock.now())  # acme has less than 10 USD once it has spent
    customer = PaymentCustomer.objects.get()
    assert customer.next_at is not None
    assert customer.next_at > clock.now() + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"agrees": ""}, "This field is required."),
        ({"add_cents": "9"}, "Add at least as much as the balance below which it is added."),
        ({"most_cents": "19.99"}, "A month has to allow at least one top-up."),
        ({"below_micros": ""}, "Type an amount above 0."),
    ],
)
def test_an_agreement_that_cannot_be_is_refused(agree, fields, said):
    answer = agree(**fields)

    assert (answer.status_code, said in said_by(answer)) == (422, True)
    assert not PaymentCustomer.objects.exclude(consented_at=None).exists()


def test_they_are_off_again_if_the_page_that_saves_the_card_does_not_open(
    client, cards, acme, agree
):
    cards.without_cards = True
    cards.refuses["begin"].append(ProviderAway("it is away"))

    answer = agree()

    assert "You were not charged" in said_by(answer)
    assert "Nobody has agreed to automatic top-ups." in said_by(answer)
    assert PaymentCustomer.objects.get().consented_at is None


def test_without_a_saved_card_the_page_says_from_when_it_is_charged(client, cards, acme, agree):
    cards.without_cards = True
    agree()

    assert re.search(
        r"On From \d\d:\d\d on, if a card is saved by then.",
        said_by(client.get(url("automatic", acme))),
    )


def test_while_the_provider_is_away_nothing_is_agreed(cards, agree):
    cards.refuses["has_card"].append(ProviderAway("it is away"))

    answer = agree()

    assert "Nothing was changed" in said_by(answer)
    assert 'value="100"' in words_of(answer)
    assert not PaymentCustomer.objects.exclude(consented_at=None).exists()


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("declined", "Paused. The card was declined."),
        ("no_card", "Paused. There is no saved card. Agree again, and pay once"),
        ("owed", "Paused. Something is owed. Add funds"),
        ("member_left", "Another member who may pay has to agree."),
    ],
)
def test_a_pause_says_why_and_what_to_do(acme, client, agree, why, said):
    agree()
    PaymentCustomer.objects.update(paused_for=why)

    assert said in said_by(client.get(url("automatic", acme)))


def test_a_payment_that_the_bank_asks_about_can_be_confirmed(acme, client, agree):
    agree()
    PaymentCustomer.objects.update(paused_for="confirm")
    paid_by_card(
        acme, state="begun", automatic=True, paid_at=None, invoice_url="https://cards.example/i"
    )

    page = words_of(client.get(url("automatic", acme)))

    assert '<a href="https://cards.example/i">Confirm this payment</a> of $20.00' in page


def test_a_member_who_may_no_longer_pay_ends_them_at_once(acme, agree, sign_in):
    agree()
    Membership.objects.filter(role="owner").update(role="viewer")

    page = said_by(sign_in(acme, "billing").get(url("automatic", acme)))

    assert "Paused. The member who agreed to it has left." in page


def test_they_end_with_the_member_who_agreed(acme, client, agree):
    agree()
    PaymentCustomer.objects.update(consented_by=None)

    page = said_by(client.get(url("automatic", acme)))

    assert "Paused. The member who agreed to it has left." in page
    assert "Agreed by a former member" in page


def test_anybody_who_may_pay_stops_them(acme, agree, sign_in):
    agree()

    stopped = sign_in(acme, "billing").post(url("automatic_stop", acme), follow=True)

    assert "Automatic top-ups are off" in said_by(stopped)
    assert PaymentCustomer.objects.get().consented_at is None


def test_billing_details_stand_on_statements_which_are_no_tax_invoice(acme, client, settings):
    details = {
        "legal_name": "Acme Pictures GmbH", "address": "Kanalstr. 1\n10997 Berlin",
        "tax_id": "DE123456789", "purchase_order": "PO-7", "invoice_mail": "bills@acme.example",
    }  # fmt: skip
    month = f"{clock.now():%Y-%m}"

    empty = client.get(url("billing_details", acme)).content.decode()
    saved = client.post(url("billing_details", acme), details, follow=True)
    statement = said_by(client.get(url("statement", acme, month)))
    wrong = client.post(url("billing_details", acme), {**details, "invoice_mail": "nobody"})
    settings.STRIPE_SECRET_KEY = ""
    without = said_by(client.get(url("statement", acme, month)))

    assert re.findall(r'name="(?:legal_name|tax_id)"[^>]* value=', empty) == []
    assert "Billing details saved" in said_by(saved)
    assert 'value="DE123456789"' in words_of(saved)
    billed = "Billed to Acme Pictures GmbH Kanalstr. 1 10997 Berlin Tax id DE123456789"
    assert f"{billed} Purchase order PO-7 This is not a tax invoice" in statement
    assert wrong.status_code == 422
    assert ("Billed to" in without, "tax invoice" in without) == (False, False)


def test_what_is_owed_stands_on_every_page_until_funds_are_added(acme, cards, client, pay):
    paid = pay("20")
    adjust(tenant_id=acme.id, amount=Micros(-26_800_000), reason="spent", actor="test")
    cards.dispute(paid.id, 2000)
    follow(paid.id, now=clock.now())

    overview, billing = (said_by(client.get(url(page, acme))) for page in ("overview", "billing"))
    pay("50")
    after = said_by(client.get(url("overview", acme)))

    stopped = "You owe $16.80 because a payment was taken back: new generations stop"
    assert (stopped in overview, stopped in billing) == (True, True)
    assert "Owed $16.80" in billing
    assert "You owe" not in after


def test_deleting_with_card_money_left_wants_the_loss_confirmed(acme, client, pay, settings):
    settings.OPERATOR_CONTACT = "help@pictor.example"
    pay("20")
    assert card_money_left(acme.id) == 20_000_000

    page = said_by(client.get(url("settings", acme)))
    refused = client.post(url("delete", acme), {"name": "acme"})

    assert "Up to $20.00 was paid by card and can be paid back. Ask help@pictor.example" in page
    assert refused.status_code == 422
    assert "ask for it, or confirm the loss" in said_by(refused)
    assert Membership.objects.filter(tenant=acme.tenant).exists()
    confirmed = client.post(url("delete", acme), {"name": "acme", "loses": "on"})
    assert confirmed.status_code == 302
