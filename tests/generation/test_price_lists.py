"""A request under a shared list is held at the list's prices, and never charged more."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import PriceList, Transfer
from billing.price_rows import BookRow
from billing.price_stops import Confirmed
from billing.selectors import current_table
from billing.selectors.office.ledger import ledger_findings
from billing.selectors.office.price_stops import stops_of
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.lifecycle.settlement import settle_and_tell
from generation.models import Generation
from generation.oversight.ledger.findings import generation_findings
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import ORIGIN, PayingCustomer, make_delivery, stored_images, take

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

EVERYONES = 52_680
"""Micros for one 1024x1024 in medium."""


def listed(name: str, micros: int) -> PriceList:
    """A list that sells it at this price."""
    now, price_list = clock.now(), create_price_list(name=name, actor="test")
    book = draft_price_book(
        name=name,
        rows=[BookRow(ORIGIN, "1024x1024", "medium", Micros(micros), 1024, 1024)],
        effective_from=now,
        markup=Decimal(1),
        tenant_id=price_list.id,
        actor="test",
    )
    below = stops_of(book, now).number_below_cost
    said = Confirmed("a deal", below_cost=below)
    publish_price_book(book=book, actor="test", now=now, confirmed=said)
    return price_list


def assign(customer: PayingCustomer, to: PriceList | None) -> None:
    assign_price_list(tenant_id=customer.id, price_list=to, actor="test", now=clock.now())


@pytest.fixture
def settle(worker, spools):
    """Settle a generation and return the micros captured."""

    def settled(generation: Generation) -> int:
        claim = take(generation_id=generation.id, worker=worker)
        assert claim is not None
        delivery = make_delivery(claim, spools)
        stored = stored_images(claim, delivery)
        settle_and_tell(claim=claim, delivery=delivery, stored=stored, now=clock.now())
        return Transfer.objects.get(generation_id=generation.id, kind="capture").amount

    return settled


def test_a_hold_is_charged_by_its_list_whatever_is_assigned_meanwhile(acme, settle):
    cheap, dear = listed("cheap", 40_000), listed("dear", 60_000)
    assign(acme, cheap)
    by_list = acme.generation()
    assign(acme, dear)
    dearer = acme.generation()
    assign(acme, None)
    plain = acme.generation()
    assert acme.money[1] == 40_000 + 60_000 + EVERYONES

    assign(acme, dear)

    assert [settle(one) for one in (by_list, dearer, plain)] == [40_000, 60_000, EVERYONES]
    assert acme.money == (10_000_000 - 40_000 - 60_000 - EVERYONES, 0)
    assert ledger_findings() == generation_findings() == []


def test_the_next_request_of_a_remembered_key_pays_by_the_list(acme):
    acme.generation()  # this process has its prices cached now

    assign(acme, listed("cheap", 40_000))

    assert acme.generation().held_micros == 40_000


def test_a_list_that_begins_by_the_hour_holds_from_then_on(acme):
    soon = clock.now() + timedelta(hours=1)
    price_list = create_price_list(name="later", actor="test")
    assign(acme, price_list)
    book = draft_price_book(
        name="later",
        rows=[BookRow(ORIGIN, "1024x1024", "medium", Micros(40_000), 1024, 1024)],
        effective_from=soon,
        tenant_id=price_list.id,
        actor="test",
    )
    publish_price_book(book=book, actor="test", now=clock.now())

    table = current_table(acme.id, clock.now())

    assert (acme.generation().held_micros, table.valid_until) == (EVERYONES, soon)
    assert current_table(acme.id, soon).rows[ORIGIN, "1024x1024", "medium"].unit == 40_000
