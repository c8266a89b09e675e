"""A payment is paid back in part or whole, and looked at again."""

import re

import pytest

from accounts.models import User
from billing.models import MoneyMove, PaymentMovement
from billing.payments import provider
from billing.payments.port import ProviderAway
from billing.selectors.office.balances import available_to, balance_of
from billing.services.office.accounts import adjust
from billing.services.office.moves import approve_move
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.console.answers import said_by, words_of
from tests.console.ops.acting import act_page, do
from tests.fakes.cards_in_memory import CardsInMemory
from tests.making.payment_rows import make_dispute, make_payment, paid_payment


@pytest.fixture(autouse=True)
def cards(monkeypatch):
    there = CardsInMemory(clock.now())
    monkeypatch.setattr(provider, "card_provider", lambda: there)
    return there


@pytest.fixture
def payment(acme):
    """$20.00 with $4.00 tax; acme has $50 now."""
    return paid_payment(acme.id, tax=400)


def test_what_goes_to_the_card_is_shown_with_what_it_takes_from_the_balance(owner, acme, payment):
    page = act_page("payment.pay_back", payment.pk)

    proposed = owner.get(page)
    shown = said_by(owner.post(page, {"once": ids.new_uuid(), "amount": "12"}))

    assert 'name="amount" value' not in words_of(proposed)
    assert "Show before and after" in said_by(proposed)
    assert "At most $24.00, with its part of the tax." in said_by(proposed)
    assert "To the card $12.00" in shown
    assert "acme, available $50.00 → to $40.00" in shown
    assert available_to(acme.id) == 50_000_000


def test_it_is_set_aside_at_once_and_the_provider_is_asked_once(owner, acme, payment):
    page, form = act_page("payment.pay_back", payment.pk), {"amount": "12", "reason": "sorry"}
    form["once"] = str(ids.new_uuid())
    seen = words_of(owner.post(page, form)).partition('name="seen" value="')[2][:16]

    answers = [owner.post(page, {**form, "seen": seen}) for _ in range(2)]

    (movement,) = PaymentMovement.objects.filter(kind="refund")
    assert [answer["Location"] for answer in answers] == [f"/ops/payments/{payment.pk}/"] * 2
    assert (movement.state, movement.cents, movement.reason) == ("asked", 1_200, "sorry")
    assert available_to(acme.id) == 40_000_000


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("", "Type an amount above 0."),
        ("0", "Type an amount above 0."),
        ("-3", "Type an amount above 0."),
        ("0.005", "Type whole cents"),
        ("24.01", "At most $24.00 can go back now."),
    ],
)
def test_an_amount_that_cannot_go_back_is_refused(owner, acme, payment, amount, words):
    answer = do(owner, "payment.pay_back", payment.pk, amount=amount)

    assert answer.status_code == 422
    assert words in said_by(answer)
    assert available_to(acme.id) == 50_000_000


def test_a_payment_that_was_not_credited_cannot_be_paid_back(owner, acme):
    payment = make_payment(acme.id, state="person")

    answer = do(owner, "payment.pay_back", payment.pk, amount="1")

    assert "At most $0.00 can go back now." in said_by(answer)


def test_a_large_one_is_typed_twice_and_waits_for_a_second_person(owner, acme, settings):
    settings.MONEY_TYPED_TWICE, settings.MONEY_NEEDS_TWO = 5_000_000, 10_000_000
    payment = paid_payment(acme.id)
    bob = User.objects.create_user("bob@pictor.example", staff_role="finance")

    once = do(owner, "payment.pay_back", payment.pk, amount="12")
    asked = do(owner, "payment.pay_back", payment.pk, amount="12", confirm="12")
    waiting, before = said_by(owner.get("/ops/moves/")), available_to(acme.id)
    approve_move(move_id=MoneyMove.objects.get().id, now=clock.now(), actor=bob, ip=None)

    assert "The amount again" in said_by(once)
    assert asked["Location"] == "/ops/moves/"
    assert "acme Pay back of 2 $12.00 $50.00 → to $38.00" in waiting
    assert (before, available_to(acme.id)) == (50_000_000, 38_000_000)
    assert PaymentMovement.objects.get(kind="refund").asked_by_name == "bob@pictor.example"


@pytest.fixture
def warned(acme, payment):
    """A bank warns of the payment, of which acme has spent $15 of $20."""
    make_dispute(payment, "warning")
    adjust(tenant_id=acme.id, amount=Micros(-45_000_000), reason="spent", actor="test")
    return payment


def test_a_warned_payment_goes_back_whole_and_what_is_spent_is_owed(owner, acme, warned):
    page = words_of(owner.get(f"/ops/payments/{warned.pk}/"))
    (whole,) = re.findall(r'href="(/ops/do/payment.pay_back/[^"]*\?whole=1)"', page)
    shown = said_by(owner.get(whole))
    part = said_by(do(owner, "payment.pay_back", warned.pk, amount="12"))
    do(owner, "payment.pay_back", warned.pk, amount="24", reason="fraud")

    assert "Pay back whole" in page
    assert "To the card $24.00" in shown
    assert "acme, available $5.00 → to $0.00" in shown
    assert "Owed $0.00 → to $15.00" in shown
    assert "More than is available can only go back whole: $20.00 is left of it." in part
    (movement,) = PaymentMovement.objects.filter(kind="refund")
    assert (movement.state, movement.cents, movement.reason) == ("asked", 2_400, "fraud")
    assert balance_of(acme.id).owed == 0


def test_a_large_one_goes_back_whole_once_a_second_person_agrees(owner, acme, warned, settings):
    settings.MONEY_NEEDS_TWO = 10_000_000
    bob = User.objects.create_user("bob@pictor.example", staff_role="finance")

    asked = do(owner, "payment.pay_back", warned.pk, amount="24")
    before = PaymentMovement.objects.filter(kind="refund").count()
    waiting = said_by(owner.get("/ops/moves/"))
    approve_move(move_id=MoneyMove.objects.get().id, now=clock.now(), actor=bob, ip=None)

    (movement,) = PaymentMovement.objects.filter(kind="refund")
    assert asked["Location"] == "/ops/moves/"
    assert "$20.00 $5.00 → to $0.00 $15.00 becomes owed" in waiting
    assert (before, movement.cents, movement.asked_by_name) == (0, 2_400, "bob@pictor.example")
    assert "Booked $20.00" in said_by(owner.get("/ops/moves/"))


def test_a_look_says_what_it_saw_or_that_the_provider_is_away(owner, payment, cards):
    cards.refuses["present"] = [ProviderAway("no answer")]

    away = do(owner, "payment.follow", payment.pk)
    seen = do(owner, "payment.follow", payment.pk, follow=True)
    assert cards.calls["within"] == 2  # a page waits for 5 s at most

    assert "The provider could not be asked: no answer." in said_by(away)
    assert "Looked at the provider: paid" in said_by(seen)
