"""What the release before would quote or charge wrongly waits until its last process has ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import psycopg
import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from billing.models import PriceBook
from billing.price_rows import REFERENCE
from billing.selectors import book_in_force, rows_of
from billing.services.office.prices import draft_price_book, publish_price_book
from billing.upstream_cost import CostRow
from generation.admission import retry_shield
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions, ContractColumns, RouteTerms
from generation.lifecycle import lease
from generation.models import Channel, Worker
from generation.selectors.release_before import processes_of_release_before
from pictor.kit.database.lock_numbers import WEB_PROCESSES
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from tests.making.seeds import sow

pytestmark = pytest.mark.django_db
WAITS = (
    "must wait: a process of the release before, which does not know its form, is alive"
    " (1 web process). Try again once it has ended"
)
SEED = {"name": "seed", "type": "integer", "least": 0, "most": 9}


@pytest.fixture(autouse=True)
def offer() -> None:
    sow()


@contextmanager
def web_process(number: int = WEB_PROCESSES + 7) -> Iterator[None]:
    """A web process of 0.2.0, which holds its number's lock."""
    with psycopg.connect(**connection.get_connection_params()) as its_connection:
        its_connection.execute("SELECT pg_advisory_lock(%s)", [number])
        yield
        its_connection.execute("SELECT pg_advisory_unlock_all()")  # PostgreSQL ends it a bit later


@pytest.fixture
def presence() -> Iterator[None]:
    """End what this test's connection holds."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")


@pytest.mark.usefixtures("presence")
def test_web_processes_and_image_workers_of_0_2_0_are_seen_until_they_end():
    lease.enlist()
    silent = clock.now() - timedelta(seconds=16)
    Worker.objects.create(host="silent", pid=1, seen_at=silent)
    worker = Worker.objects.create(host="img1", pid=4711)
    retry_shield.take_presence(WEB_PROCESSES + 8)

    with web_process(WEB_PROCESSES + 7), web_process(WEB_PROCESSES + 9):
        assert processes_of_release_before() == ["2 web processes", "image worker img1/4711"]
    assert processes_of_release_before() == ["image worker img1/4711"]
    lease.retire(worker=lease.WorkerEpoch(worker.epoch))
    assert processes_of_release_before() == []
    assert retry_shield.present() == 1


def _publish() -> None:
    now = clock.now()
    rows = rows_of(cast(PriceBook, book_in_force(None, now)))
    each = next(row for row in rows if row.size == REFERENCE)
    rows = [replace(each, kind="each"), *(row for row in rows if row.key != each.key)]
    book = draft_price_book(name="list", rows=rows, effective_from=now, actor="Ann")
    publish_price_book(book=book, actor="Ann", now=now)


def _cost() -> None:
    route = RouteTerms(model="dall-e-3", upstream_model="d3")
    options = ChannelOptions(base_url="https://a.example/v1", api_key="sk-1", routes=[route])
    channel = Channel.objects.filter(name="vendor").first()
    if channel is None:
        channel, _ = services.set_channel(name="vendor", options=options, actor="Ann")
    row = CostRow("d3", "1024x1024", "hd", Micros(1), cast(Any, "pixels"))
    services.set_costs(channel=channel, rows=[row], source="a letter", actor="Ann")


def _sell() -> None:
    columns: ContractColumns = {"parameters": [SEED], "is_enabled": True}
    services.set_contract(model="dall-e-3", columns=columns, actor="Ann")


@pytest.mark.parametrize(
    ("use", "name"), [(_publish, "the book"), (_cost, "the cost table"), (_sell, "dall-e-3")]
)
def test_a_new_form_waits_until_the_last_process_of_the_release_before_has_ended(use, name):
    with web_process(), pytest.raises(ValidationError) as refused:
        use()

    assert refused.value.messages == [f"{name} {WAITS}"]
    use()


BOUNDS = {"step": 16, "min_side": 256, "max_side": 4096, "min_pixels": 1, "max_pixels": 10**7}


@pytest.mark.parametrize(
    "columns", [{"takes_ratio": True}, {"size_rule": {**BOUNDS, "max_ratio": 3}}]
)
def test_switching_on_a_model_of_a_new_form_waits_too(columns):
    off = cast(ContractColumns, {**columns, "is_enabled": False})
    services.set_contract(model="dall-e-3", columns=off, actor="Ann")

    with web_process(), pytest.raises(ValidationError, match="does not know its form"):
        services.set_offered(model="dall-e-3", is_offered=True, actor="Ann")


def test_what_0_2_0_knows_does_not_wait():
    columns: ContractColumns = {"about": "One image.", "max_n": 2}

    with web_process():
        services.set_contract(model="dall-e-3", columns=columns, actor="Ann")
        services.set_contract(model="gpt-image-2", columns=columns, actor="Ann")
