"""The daily comparison with the provider's own books."""

from datetime import timedelta

import pytest

from billing.models import PaymentMovement
from billing.payments.port import ProviderRefused
from billing.selectors.office.balances import available_to
from billing.selectors.office.payments import differences, unhandled_events
from billing.services.office.payments import follow
from billing.services.office.provider_books import compare, keep_differences
from tests.billing.by_card.conftest import NOW, begin, paid

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=12)
DAY = (NOW - timedelta(days=2), NOW + timedelta(hours=11))


def test_equal_books_differ_in_nothing(cards, shop):
    payment = paid(cards, shop, cents=2000, tax=380)
    cards.refund(payment.id, 500)
    dispute = cards.dispute(payment.id, 700)
    cards.reinstate(payment.id, dispute, 700)
    failing = cards.refund(payment.id, 300)
    cards.settle(payment.id, failing, "failed")
    keep_differences(LATER)

    assert compare(*DAY) == []


def test_what_no_event_told_is_looked_at(cards, shop):
    payment = paid(cards, shop)
    cards.refund(payment.id, 500)
    cards.happened.clear()
    (found,) = compare(*DAY)
    assert (found.payment, found.trouble) == (payment, "-$5.00 there, and $0.00 here")

    keep_differences(LATER)

    assert available_to(shop.id) == 15_000_000
    assert list(differences()) == []


def test_what_still_differs_is_kept_until_it_no_longer_does(cards, shop):
    payment = paid(cards, shop)
    PaymentMovement.objects.filter(kind="charge").update(cents=1999)
    keep_differences(LATER)
    (kept,) = differences()
    assert (kept.payment, kept.trouble) == (payment, "$20.00 there, and $19.99 here")
    assert unhandled_events(LATER + timedelta(days=1)) == []
    PaymentMovement.objects.filter(kind="charge").update(cents=2000)

    keep_differences(LATER + timedelta(hours=19))
    assert differences().count() == 1  # once a day
    keep_differences(LATER + timedelta(hours=21))

    assert list(differences()) == []


def test_what_lasts_is_known_without_a_longer_and_longer_time_being_listed(
    cards, shop, monkeypatch
):
    paid(cards, shop)
    PaymentMovement.objects.filter(kind="charge").update(cents=1999)
    keep_differences(LATER)
    asked = []

    def entries(since, until):
        asked.append(since)
        return []

    monkeypatch.setattr(cards, "entries", entries)

    for days in (10, 40):
        keep_differences(LATER + timedelta(days=days))

    assert asked[0] < NOW
    assert asked[-1] == LATER + timedelta(days=10)
    assert differences().count() == 1


def test_what_the_provider_does_not_have_is_found(cards, shop):
    payment = paid(cards, shop)
    PaymentMovement.objects.create(
        payment=payment, kind="refund", state="done", provider_id="re_x", cents=5, micros=0, at=NOW
    )

    (found,) = compare(*DAY)

    assert (found.id, found.trouble) == ("books:re_x", "nothing there, and -$0.05 here")


def test_others_entries_are_theirs(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id)  # we do not know its ids yet

    assert compare(*DAY) == []


def test_a_payment_that_cannot_be_looked_at_keeps_no_other_waiting(cards, shop):
    for _ in range(2):
        cards.refund(paid(cards, shop).id, 500)
    cards.refuses["present"] = [ProviderRefused("mixed", "mixed_modes")]

    keep_differences(LATER)

    assert available_to(shop.id) == 35_000_000
    assert differences().count() == 1


def test_a_payment_for_a_person_is_no_difference(cards, shop):
    payment = begin(shop)
    cards.pay(payment.id, subtotal_cents=5)
    follow(payment.id, now=NOW)
    assert compare(*DAY) == []

    cards.refund(payment.id, 2000)
    follow(payment.id, now=NOW)

    assert compare(*DAY) == []
