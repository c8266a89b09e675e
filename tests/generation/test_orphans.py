"""Who may take over whose generation: orphans of the same key and body, once, and no others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from generation import orphans
from generation.models import Generation, State
from generation.orphans import Attendance, WebProcess
from pictor.kit import clock
from tests.factories import Customer

DIGEST = b"d" * 32


@pytest.fixture(autouse=True)
def long_running_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "AFTER_DATABASE_START", timedelta(0))


@contextmanager
def alive() -> Iterator[WebProcess]:
    """A web process whose own connection holds its lock."""
    process = WebProcess()
    with psycopg.connect(**connection.get_connection_params()) as its_connection:
        its_connection.execute("SELECT pg_advisory_lock(%s)", [process.number])
        yield process


@pytest.fixture
def here(db: None) -> Iterator[WebProcess]:
    with alive() as process:
        yield process


@pytest.fixture
def elsewhere(db: None) -> Iterator[WebProcess]:
    with alive() as process:
        yield process


def waited_for(acme: Customer, by: WebProcess, **changes: object) -> Generation:
    generation = acme.generation()
    values = {"body_digest": DIGEST, "web_process": by.number, **changes}
    Generation.objects.filter(id=generation.id).update(**values)
    generation.refresh_from_db()
    return generation


def adopted(generation: Generation, by: WebProcess, digest: bytes = DIGEST) -> UUID | None:
    return orphans.adopt(key_id=generation.api_key_id, body_digest=digest, by=by, now=clock.now())


def test_a_live_process_keeps_its_callers_generations(acme, here, elsewhere):
    generation = waited_for(acme, elsewhere)

    assert adopted(generation, here) is None


def test_a_dead_process_leaves_orphans_for_one_caller_each(acme, here):
    generation = waited_for(acme, WebProcess())

    assert [adopted(generation, here), adopted(generation, here)] == [generation.id, None]


def test_a_database_that_has_just_started_does_not_know_who_is_dead(acme, here, monkeypatch):
    monkeypatch.setattr(orphans, "AFTER_DATABASE_START", timedelta(days=365))
    generation = waited_for(acme, WebProcess())

    assert adopted(generation, here) is None


def test_the_oldest_orphan_is_the_first_to_be_taken(acme, here):
    first = waited_for(acme, WebProcess())
    second = waited_for(acme, WebProcess())
    orphans.left([second.id, first.id])

    assert [adopted(first, here), adopted(first, here)] == [first.id, second.id]


def test_an_orphan_is_forgotten_after_a_quarter_of_an_hour(acme, here):
    generation = waited_for(acme, WebProcess(), created_at=clock.now() - timedelta(minutes=15))

    assert adopted(generation, here) is None


def test_another_body_finds_nothing(acme, here):
    generation = waited_for(acme, WebProcess())

    assert adopted(generation, here, b"e" * 32) is None


def test_another_key_finds_nothing(acme, other, here):
    waited_for(acme, WebProcess())

    assert adopted(other.generation(), here) is None


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELED])
def test_what_brought_no_image_is_tried_afresh(acme, here, state):
    generation = waited_for(
        acme, WebProcess(), state=state, finished_at=clock.now(), captured_micros=0
    )

    assert adopted(generation, here) is None


def test_who_has_an_answer_is_waited_for_no_more(acme, here):
    generation = waited_for(acme, WebProcess())

    orphans.answered([generation.id])

    assert adopted(generation, here) is None


def test_a_caller_who_left_during_admission_leaves_an_orphan(acme, here, elsewhere):
    generation = waited_for(acme, elsewhere)
    attendance = Attendance(elsewhere, generation.id, is_gone=True)
    elsewhere.gone.add(generation.id)

    orphans.attend(attendance, generation.id)

    assert elsewhere.gone == set()
    assert adopted(generation, here) == generation.id


def test_a_process_knows_of_a_departure_before_the_database_does(acme, elsewhere):
    generation = waited_for(acme, elsewhere)
    elsewhere.gone.add(generation.id)

    assert adopted(generation, elsewhere) == generation.id
    assert adopted(generation, elsewhere) is None
