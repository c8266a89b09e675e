"""Books with a row in every table that affects money."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from pytest_django import DjangoDbBlocker

from accounts.services import link_events
from billing.models import Transfer
from billing.price_stops import Confirmed
from billing.selectors.office.balances import available_to
from billing.selectors.office.price_stops import stops_of
from billing.selectors.office.sold import Settled
from billing.services.office.accounts import credit, reverse
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book, withdraw_price_book
from billing.services.office.sold import add_next
from generation.lifecycle.outcome import TIMED_OUT, Failure
from generation.lifecycle.settlement import fail, settle_and_tell
from generation.management import seeding
from generation.management.seeding import SeedOptions
from generation.oversight.bills.corrections import CorrectionLine, correct
from generation.oversight.daily_sales import sold_by
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.card_payments import card_payment, move, pay_back
from tests.making.factories import (
    PayingCustomer,
    make_channel,
    make_delivery,
    make_worker,
    stored_images,
    take,
)
from tests.stack.databases import written_once


@pytest.fixture(scope="module")
def written(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[PayingCustomer]:
    """Books, written once for a module and restored for each of its tests."""
    spools = Spools(tmp_path_factory.mktemp("spool"), SpoolBudget(1_000_000))
    yield from written_once(django_db_blocker, lambda: write(spools))


@pytest.fixture
def books(written: PayingCustomer, db: None) -> PayingCustomer:
    """The books' customer; a test's changes are undone."""
    return written


def write(spools: Spools) -> PayingCustomer:
    """A customer with a top-up, a credit, a settled generation that cost us, one that failed, and
    one under way.

    Half of the credit was reversed, and two lines of a bill corrected the cost, one of its call.

    Of the other's two payments by card one was paid back in part, and one taken back when spent.

    There are also withdrawn scheduled prices and a shared list, and sales are counted.
    """
    seeding.seed(SeedOptions())
    make_channel(cost_micros=30_000)
    acme = PayingCustomer("acme")
    move_card_money(PayingCustomer("other").id)
    credit(tenant_id=acme.id, amount=Micros(1_000_000), reason="gift", actor="test")
    reverse(tenant_id=acme.id, seq=2, amount=Micros(500_000), reason="typo", actor="test")
    claim = take(generation_id=acme.generation().id, worker=make_worker())
    assert claim is not None
    delivery = make_delivery(claim, spools)
    settle_and_tell(
        claim=claim, delivery=delivery, stored=stored_images(claim, delivery), now=clock.now()
    )
    lines = [
        CorrectionLine("1", str(delivery.attempt_id), Micros(5)),
        CorrectionLine("2", "", Micros(-7)),
    ]
    correct(lines, reason="bill", actor="test")
    failing = take(generation_id=acme.generation().id, worker=make_worker())
    assert failing is not None
    fail(claim=failing, failure=Failure(TIMED_OUT), now=clock.now())
    acme.generation(idempotency_key="once")
    later = clock.now() + timedelta(days=400)
    book = draft_price_book(name="later", effective_from=later, actor="test")
    said = Confirmed("for them", below_cost=stops_of(book, later).number_below_cost)
    publish_price_book(book=book, actor="test", now=clock.now(), confirmed=said)
    withdraw_price_book(book=book, actor="test")
    shared = create_price_list(name="shared", actor="test")
    assign_price_list(tenant_id=acme.id, price_list=shared, actor="test", now=clock.now())
    link_events()
    add_next(sold_by, to=Settled(Transfer.objects.latest("id").id, clock.now()))
    return acme


def move_card_money(tenant_id: UUID) -> None:
    """Leave a workspace that owes a part of a payment which was taken back."""
    first, second = card_payment(tenant_id, 900), card_payment(tenant_id, 900)
    pay_back(first, 400)
    there = available_to(tenant_id) // 10_000
    move(second, "withdrawal", there + 300, dispute="dp_1")
    move(second, "reinstatement", 100, dispute="dp_1")
