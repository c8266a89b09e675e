"""Fifty at once: one click is one charge, and one balance gets one automatic top-up."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import transaction

from billing import tasks
from billing.models import Payment
from billing.selectors.office.balances import available_to
from billing.services.office import moves, provider_events
from billing.services.office.accounts import adjust
from billing.services.office.automatic import agree, top_up_due
from billing.services.office.payment_movements import left_at_the_provider
from billing.services.office.payments import follow
from pictor.kit.words import ids
from pictor.kit.words.money import Micros
from tests.billing.by_card.conftest import NOW, begin, new_payer, new_shop, paid, pay_back
from tests.billing.conftest import alone

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("pooled_connections"),
]

T = TypeVar("T")
THREADS = 50


@pytest.fixture
def payer():
    return new_payer()


@pytest.fixture
def shop(payer):
    return new_shop(payer)


def at_once(work: Callable[[], T]) -> list[T]:
    with ThreadPoolExecutor(THREADS) as threads:
        done = [threads.submit(alone, work) for _ in range(THREADS)]
    return [one.result() for one in done]


def test_one_click_is_one_charge(cards, shop):
    once = ids.new_uuid()

    pages = {begun.page_url for begun in at_once(lambda: begin(shop, once=once))}
    cards.pay(once)
    at_once(lambda: follow(once, now=NOW))

    assert pages == {"https://cards.example/pay/cs_2"}
    assert len(cards.payments) == Payment.objects.count() == 1
    assert available_to(shop.id) == 20_000_000


def test_one_balance_gets_one_automatic_top_up(cards, shop, payer):
    agree(
        tenant_id=shop.id,
        below_micros=Micros(10_000_000),
        add_cents=2000,
        most_cents=9000,
        now=NOW,
        actor=payer,
    )

    at_once(lambda: top_up_due(NOW))

    assert len(cards.payments) == Payment.objects.count() == 1
    assert available_to(shop.id) == 20_000_000


def test_a_dispute_that_many_look_at_takes_its_money_once(cards, shop):
    payment = paid(cards, shop)
    cards.dispute(payment.id, 500)

    at_once(lambda: follow(payment.id, now=NOW))

    assert available_to(shop.id) == 15_000_000


def test_no_other_changes_what_goes_back_whole_between_its_check_and_its_asking(
    cards, shop, monkeypatch
):
    payment, free = paid(cards, shop), []
    cards.dispute(payment.id, 2000, kind="warning")
    follow(payment.id, now=NOW)
    adjust(tenant_id=shop.id, amount=Micros(-15_000_000), reason="spent", actor="test")

    @transaction.atomic
    def is_free() -> bool:
        return Payment.objects.select_for_update(skip_locked=True).exists()

    def left(payment: Payment) -> int:
        with ThreadPoolExecutor(1) as another:
            free.append(another.submit(alone, is_free).result())
        return left_at_the_provider(payment)

    monkeypatch.setattr(moves, "left_at_the_provider", left)
    pay_back(payment, 20_000_000)

    assert free == [False]
    assert payment.movements.get(kind="refund").cents == 2000


def test_the_minutes_work_is_done_by_one_worker(cards, shop, monkeypatch):
    monkeypatch.setattr(provider_events, "SECONDS_BETWEEN_LOOKS", 0)
    payment = begin(shop)
    cards.pay(payment.id)

    at_once(lambda: tasks.follow_all(now=NOW))

    assert available_to(shop.id) == 20_000_000
