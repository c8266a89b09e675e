"""A decision at the shell applies to the prices shown, whatever is decided meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing.models import PriceBook
from billing.price_rows import BookRow
from billing.selectors import book_in_force, state_of
from billing.selectors.office.price_lists import list_of
from billing.services.office.price_lists import create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.factories import PayingCustomer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


@dataclass
class Slow:
    """Standard input of an operator who types yes after something else has happened."""

    meanwhile: Callable[[], object]

    def readline(self) -> str:
        self.meanwhile()
        return "y\n"


def draft(*, days: int = 0) -> PriceBook:
    begins = clock.now() + timedelta(days=days)
    return draft_price_book(name="list", effective_from=begins, actor="test")


def publish(book: PriceBook) -> PriceBook:
    return publish_price_book(book=book, actor="test", now=clock.now())


@pytest.mark.parametrize("action", ["publish", "restore", "withdraw"])
def test_a_book_that_is_published_before_the_answer_stops_it(monkeypatch, action):
    former, scheduled, other = publish(draft()), publish(draft(days=9)), draft()
    publish(draft())
    book = {"publish": draft(), "restore": former, "withdraw": scheduled}[action]
    monkeypatch.setattr("sys.stdin", Slow(lambda: publish(other)))

    with pytest.raises(CommandError, match="prices have changed since these were shown"):
        call_command("price", action, book.known_as, stdout=StringIO())

    assert book_in_force(None, clock.now()) == other
    assert state_of(PriceBook.objects.get(id=scheduled.id), clock.now()) == "scheduled"


def test_prices_of_a_list_that_change_before_the_answer_stop_its_assignment(monkeypatch):
    acme, shared = PayingCustomer("acme"), create_price_list(name="Resellers", actor="test")
    row = BookRow("dall-e-2", "256x256", "standard", Micros(15_000), 256, 256)
    book = draft_price_book(
        name="resellers",
        rows=[row],
        effective_from=clock.now(),
        tenant_id=shared.id,
        actor="test",
    )
    monkeypatch.setattr("sys.stdin", Slow(lambda: publish(book)))

    with pytest.raises(CommandError, match="prices have changed since these were shown"):
        call_command("price", "assign", "acme", "Resellers", stdout=StringIO())

    assert list_of(acme.id) is None
