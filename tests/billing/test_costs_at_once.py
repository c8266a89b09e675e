"""A price and a cost changed at once: the second is judged by the first."""

from collections.abc import Callable
from threading import Event

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from billing.models import PriceBook
from billing.price_rows import BookRow
from billing.selectors import book_in_force, rows_of
from billing.services.office.prices import draft_price_book, publish_price_book, set_prices
from billing.upstream_cost import CostRow
from generation.catalogue import services
from generation.catalogue.credentials import encrypted
from generation.catalogue.rotation import rotate_credentials
from generation.catalogue.services import ChannelOptions, costs
from generation.models import Channel, Route
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone, waits_for_a_lock
from tests.making.factories import make_channel
from tests.making.seeds import sow
from tests.stack.stack_processes import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("patient_connections"),
]

CELL = ("dall-e-2", "256x256", "standard")  # at 16,000


def cheaper() -> PriceBook:
    """A draft with 9,000 for the cell: too small a change to be stopped."""
    rows = rows_of(book_in_force(None, clock.now()))
    book = draft_price_book(name="list", rows=rows, effective_from=clock.now(), actor="test")
    set_prices(book=book, rows=[BookRow(*CELL, Micros(9_000), 256, 256)], actor="test")
    return book


def table(channel: Channel) -> None:
    row = CostRow(*CELL, Micros(12_000))
    services.set_costs(channel=channel, rows=[row], source="", actor="test")


def flat(channel: Channel) -> None:
    options = ChannelOptions(cost=Micros(12_000))
    services.set_channel(name=channel.name, options=options, actor="test")


@pytest.mark.parametrize("cost", [table, flat])
def test_a_cost_that_is_written_first_stops_the_price(pool, cost):
    sow()
    channel, book = make_channel("dear", "dall-e-2"), cheaper()
    is_written, may_commit = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            cost(channel)
            is_written.set()
            assert may_commit.wait(20)

    one = pool.submit(alone, first)
    assert is_written.wait(20)
    other = pool.submit(alone, lambda: publish_price_book(book=book, actor="test", now=clock.now()))
    until(waits_for_a_lock)
    may_commit.set()

    one.result(20)
    with pytest.raises(ValidationError, match="1 new below cost, dall-e-2 256x256 standard"):
        other.result(20)


def test_a_price_that_is_published_first_makes_the_cost_doubtful(pool):
    sow()
    channel, book = make_channel("dear", "dall-e-2"), cheaper()
    is_published, may_commit = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            publish_price_book(book=book, actor="test", now=clock.now())
            is_published.set()
            assert may_commit.wait(20)

    one = pool.submit(alone, first)
    assert is_published.wait(20)
    other = pool.submit(alone, lambda: table(channel))
    until(waits_for_a_lock)
    may_commit.set()

    one.result(20)
    with pytest.raises(ValidationError, match=r"0[.]012000 USD, above the price, 0[.]009000"):
        other.result(20)


@pytest.mark.parametrize("change", ["test", "enable", "rotate"])
def test_a_cost_beside_another_change_of_its_channel_stops_neither(
    pool, monkeypatch, settings, change
):
    sow()
    make_channel("another", "dall-e-2", credentials=encrypted("k"))
    channel = make_channel("dear", "dall-e-2", credentials=encrypted("k"))
    Route.objects.update(is_approved=change == "rotate")
    terms = services.routes_of(channel)["dall-e-2"]
    tested = services.digest_of(channel, terms, proves=False)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    changes: dict[str, Callable[[], object]] = {
        "test": lambda: services.passed_test(
            channel=Channel.objects.get(name="dear"), model="dall-e-2", tested=tested, actor="test"
        ),
        "enable": lambda: services.set_enabled(
            channel=Channel.objects.get(name="dear"), is_enabled=True, untested=True, actor="test"
        ),
        "rotate": lambda: rotate_credentials(actor="test"),
    }
    is_judged, may_write = Event(), Event()

    def late(*_: object, **__: object) -> None:
        is_judged.set()
        assert may_write.wait(20)

    monkeypatch.setattr(costs, "refuse_doubtful", late)

    one = pool.submit(alone, lambda: table(channel))
    assert is_judged.wait(20)
    other = pool.submit(alone, changes[change])
    until(waits_for_a_lock)
    may_write.set()

    one.result(20)
    other.result(20)
    assert channel.cost_tables.count() == 1


def test_a_command_that_another_keeps_waiting_says_so_in_a_line(pool):
    sow()
    channel = make_channel("dear", "dall-e-2")
    has_begun, may_end = Event(), Event()

    def first() -> None:
        with transaction.atomic():
            table(channel)
            has_begun.set()
            assert may_end.wait(20)

    one = pool.submit(alone, first)
    assert has_begun.wait(20)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 50")
        with pytest.raises(CommandError, match="somebody else is changing this"):
            call_command("channel", "set", "dear", "--cost", "0.01")
        cursor.execute("RESET lock_timeout")
    may_end.set()
    one.result(20)
