"""Paying by card on a workspace's pages, at a provider in memory: what they offer, keep and say."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg.errors import LockNotAvailable

from accounts.models import Tenant, User
from billing.models import Payment
from billing.payments.port import Checkout, ProviderAway
from billing.services.office.payments import follow
from console.workspace.money.card_forms import asking
from pictor.kit.words import clock
from tests.console.answers import said_by, words_of
from tests.console.workspace.conftest import SignIn, paid_by_card, url
from tests.fakes.cards_in_memory import CardsInMemory
from tests.making.factories import PayingCustomer

Send = Callable[..., Any]


@pytest.fixture(autouse=True)
def cards(takes_cards: CardsInMemory) -> CardsInMemory:
    return takes_cards


@pytest.fixture
def client(acme: PayingCustomer, sign_in: SignIn) -> Client:
    """A member who may pay, with a verified address."""
    client = sign_in(acme, "billing")
    User.objects.update(email_verified_at=clock.now())
    return client


@pytest.fixture
def send(acme: PayingCustomer, client: Client) -> Send:
    """Send the form for funds: `send(typed="12.34")`."""

    def post(**fields: object) -> Any:
        return client.post(url("pay", acme), {"once": uuid4(), **fields})

    return post


def test_a_form_leads_to_the_providers_page_which_leads_back(acme, cards, send):
    answer = send(offered="5000")

    payment = Payment.objects.get(tenant=acme.tenant)
    after = f"http://testserver{url('payment', acme, payment.id)}"
    checkout = cards.parameters[str(payment.id)]
    assert (answer.status_code, answer["Location"]) == (302, payment.page_url)
    assert (payment.asked_cents, payment.state) == (5000, "begun")
    assert isinstance(checkout, Checkout)
    assert (checkout.success_url, checkout.cancel_url) == (after, f"{after}?left=1")


def test_a_form_sent_twice_is_one_payment_and_another_amount_another(acme, send):
    once = uuid4()

    pages = [send(once=once, **fields)["Location"] for fields in (
        {"offered": "2000"}, {"offered": "2000"}, {"offered": "2000", "typed": "12.34"},
    )]  # fmt: skip

    assert pages[0] == pages[1] != pages[2]
    payments = Payment.objects.filter(tenant=acme.tenant).order_by("asked_cents")
    assert [payment.asked_cents for payment in payments] == [1234, 2000]


def test_amounts_above_what_the_first_week_leaves_are_not_offered(acme, client, send, settings):
    settings.TOP_UP_FIRST_WEEK = 60
    send(typed="9")

    page = words_of(client.get(url("billing", acme)))
    above = words_of(send(typed="51.01"))
    Tenant.objects.filter(id=acme.id).update(created_at=clock.now() - timedelta(days=8))
    later = words_of(client.get(url("billing", acme)))

    offered = re.compile(r">\$(\d+)</span>")
    assert offered.findall(page) == ["20", "50"]
    assert "can add $60 by card in all; $51 of it is left." in page
    assert "Choose an amount from $5.00 to $51.00." in above
    assert offered.findall(later) == ["20", "50", "100", "500"]


def test_the_form_says_that_tax_is_added(acme, client, settings):
    without = said_by(client.get(url("billing", acme)))
    settings.STRIPE_TAX_CODE = "txcd_10103001"

    assert "Tax is added there." in said_by(client.get(url("billing", acme)))
    assert "Tax is added there." not in without


def test_amounts_that_cannot_be_do_not_count_against_the_networks_limit(acme, client, monkeypatch):
    monkeypatch.setattr("accounts.rates.buckets.PAYMENTS_AN_HOUR", 1)

    statuses = [
        client.post(
            url("pay", acme), {"once": uuid4(), "typed": typed}, REMOTE_ADDR="203.0.113.9"
        ).status_code
        for typed in ("4.99", "1000.01", "5", "6")
    ]

    assert statuses == [422, 422, 302, 422]


@pytest.mark.parametrize("typed", ["12.345", "0", "much", "-5", "", "4.99", "1000.01"])
def test_an_amount_that_cannot_be_paid_is_refused(acme, send, typed):
    assert send(typed=typed).status_code == 422
    assert Payment.objects.count() == 0


def test_while_the_provider_is_away_nothing_is_charged_and_the_form_is_kept(cards, send):
    cards.refuses["begin"].append(ProviderAway("it is away"))
    once = uuid4()

    answer = send(once=once, typed="33.10")

    page = words_of(answer)
    assert answer.status_code == 422
    assert "You were not charged" in page
    assert (str(once) in page, 'value="33.10"' in page) == (True, True)
    assert send(once=once, typed="33.10").status_code == 302
    assert Payment.objects.count() == 1


def test_two_pages_at_once_ask_the_provider_and_no_third(acme, client, send):
    with asking(), asking():
        answer = send(typed="33.10")

    assert (answer.status_code, "You were not charged" in words_of(answer)) == (422, True)
    assert Payment.objects.count() == 0
    assert send(typed="33.10").status_code == 302


def test_a_refused_form_can_be_sent_again_as_a_new_one(acme, cards, send):
    once = uuid4()
    send(once=once, typed="33.10")
    paid = Payment.objects.get()
    cards.pay(paid.id)
    follow(paid.id, now=clock.now())

    page = words_of(send(once=once, typed="33.10"))

    assert "This payment is over." in page
    assert (str(once) in page, 'value="33.10"' in page) == (False, True)


def test_forms_lead_to_the_provider_on_its_pages_alone_and_only_with_a_key(acme, client, settings):
    settings.CARD_PAGES = ["https://checkout.example"]

    def forms(name: str) -> set[str]:
        policy = client.get(url(name, acme))["Content-Security-Policy"]
        return set(policy.partition("form-action ")[2].partition(";")[0].split())

    with_key = {name: forms(name) for name in ("billing", "payments", "ledger")}
    settings.STRIPE_SECRET_KEY = ""

    there = {"'self'", "https://checkout.example"}
    assert with_key == {"billing": there, "payments": there, "ledger": {"'self'"}}
    assert forms("billing") == {"'self'"}


def test_without_a_key_the_pages_are_not_there(acme, client, settings):
    settings.STRIPE_SECRET_KEY = ""
    paid = paid_by_card(acme)

    got = [client.get(page) for page in (url("payments", acme), url("payment", acme, paid.id))]
    sent = [client.post(url(name, acme)) for name in ("pay", "payments_portal")]

    assert [answer.status_code for answer in got + sent] == [404] * 4


def test_the_page_after_it_books_what_was_paid_and_says_so(acme, cards, client, send):
    send(offered="2000")
    payment = Payment.objects.get()
    page = url("payment", acme, payment.id)

    waiting = client.get(page)
    left = client.get(f"{page}?left=1")
    cards.pay(payment.id)
    Payment.objects.update(looked_at=None)
    paid = client.get(page)

    assert "The payment is not confirmed yet." in said_by(waiting)
    assert "data-poll" in words_of(waiting)
    assert "You left the payment page. Nothing was charged." in said_by(left)
    assert f'href="{payment.page_url}"' in words_of(left)
    assert "$20.00 was added: $30.00 is available now." in said_by(paid)
    assert "data-poll" not in words_of(paid)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("expired", "The payment page has ended and nothing was paid."),
        ("failed", "The card was declined. Nothing was charged."),
        ("person", "nothing was added yet. A person looks at it."),
    ],
)
def test_a_page_says_how_a_payment_ended(acme, client, state, said):
    payment = paid_by_card(acme, state=state, paid_at=None)

    assert said in said_by(client.get(url("payment", acme, payment.id)))


def test_a_payment_for_a_person_that_went_back_is_not_said_to_be_declined(acme, client):
    wrong = paid_by_card(
        acme, state="failed", paid_at=None, person_why="It was paid in EUR.", currency="eur"
    )

    page = said_by(client.get(url("payment", acme, wrong.id)))

    assert "What was paid was not what was asked for, and went back to the card." in page
    assert ("Paid back" in page, "Charged 20.00 EUR" in page) == (True, True)


def test_an_automatic_one_that_the_bank_asks_about_is_confirmed_from_its_page(acme, cards, client):
    cards.refuses["present"].append(ProviderAway("it is away"))
    waiting = paid_by_card(
        acme, state="begun", paid_at=None, automatic=True, invoice_url="https://cards.example/i",
        looked_at=clock.now(),
    )  # fmt: skip

    page = words_of(client.get(url("payment", acme, waiting.id)))

    assert "The saved card is not charged yet." in page
    assert re.search(r'href="https://cards.example/i"[^>]*>\s*Confirm', page)


def test_a_page_asks_the_provider_every_other_second_at_most(acme, cards, client, send):
    send(offered="2000")
    page = url("payment", acme, Payment.objects.get().id)
    cards.refuses["present"].append(ProviderAway("it is away"))

    away = client.get(page)
    client.get(page)

    assert "do not pay again" in said_by(away)
    assert cards.calls["present"] == 1


def test_a_page_that_waits_in_vain_for_a_worker_who_books_the_payment_says_so(
    acme, cards, client, send
):
    send(offered="2000")
    locked = OperationalError("canceling statement due to lock timeout")
    locked.__cause__ = LockNotAvailable()
    cards.refuses["present"].append(locked)

    answer = client.get(url("payment", acme, Payment.objects.get().id))

    assert (answer.status_code, "do not pay again" in said_by(answer)) == (200, True)


def test_a_list_shows_what_was_charged_paid_back_and_disputed(acme, sign_in):
    paid = paid_by_card(
        acme, tax_cents=400, amount_cents=2400, card_brand="visa", card_last4="4242",
        invoice_number="A-1", invoice_url="https://invoice.example/1",
        receipt_url="https://receipt.example/1",
    )  # fmt: skip
    for kind, state, cents in (
        ("charge", "done", 2400),
        ("refund", "done", 300), ("refund", "failed", 700),
        ("withdrawal", "done", 900), ("reinstatement", "done", 200),
    ):  # fmt: skip
        paid.movements.create(kind=kind, state=state, cents=cents, micros=0, at=clock.now())

    page = words_of(sign_in(acme, "viewer").get(url("payments", acme)))

    cells = re.findall(r"<td[^>]*>(.*?)</td>", page)
    assert [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in cells] == [
        "● Paid", "$20.00", "$24.00 tax $4.00", "$3.00 disputed $7.00", "Visa …4242", "A-1",
        "Open",
    ]  # fmt: skip
    own = said_by(sign_in(acme, "viewer").get(url("payment", acme, paid.id)))
    assert "$20.00 was added, and not all of it is still here: see below." in own
    assert "Paid back $3.00 Taken by disputes $7.00" in own
    assert 'href="https://invoice.example/1"' in page
    assert "Invoices and card" not in page


def test_the_list_has_pages(acme, client, monkeypatch):
    monkeypatch.setattr("console.parts.listing.PAGE_ROWS", 1)
    now = clock.now()
    old = paid_by_card(acme, cents=700, begun_at=now - timedelta(days=2))
    new = paid_by_card(acme, cents=800, begun_at=now - timedelta(days=1))

    def listed(query: str = "") -> tuple[list[UUID], bool]:
        page = words_of(client.get(url("payments", acme) + query))
        shown = [one.id for one in (old, new) if url("payment", acme, one.id) in page]
        return shown, f'href="?after={new.id}"' in page

    assert listed() == ([new.id], True)
    assert listed(f"?after={new.id}") == ([old.id], False)


def test_invoices_and_cards_are_the_providers(acme, cards, client):
    answer = client.post(url("payments_portal", acme))
    cards.refuses["portal"].append(ProviderAway("it is away"))
    away = client.post(url("payments_portal", acme), follow=True)

    back = f"http://testserver{url('payments', acme)}"
    assert answer["Location"].startswith("https://cards.example/portal/cus_")
    assert answer["Location"].endswith(f"?back={back}")
    assert "The page could not be opened." in said_by(away)
