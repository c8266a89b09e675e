"""Orphans may be taken over by the same key and body, once; other generations never."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connection

from accounts.services.audit import link_events
from generation.admission import retry_shield
from generation.admission.retry_shield import Attendance, Free, Turn, Undecided, WebProcess
from generation.management.seeding import alone
from generation.models import Generation, State
from pictor.kit.database.prepared import fetch
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer

DIGEST = b"d" * 32


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


def waited_for(acme: PayingCustomer, by: WebProcess, **changes: object) -> Generation:
    generation = acme.generation()
    values = {"body_digest": DIGEST, "web_process": by.number, **changes}
    Generation.objects.filter(id=generation.id).update(**values)
    generation.refresh_from_db()
    return generation


def earlier(by: WebProcess, seconds: float) -> None:
    """Make everything the process saw begin `seconds` earlier, and be seen again just now."""
    by.free = {
        number: replace(free, since=free.since - seconds) for number, free in by.free.items()
    }


def adopted(generation: Generation, by: WebProcess, digest: bytes = DIGEST) -> UUID | None:
    """Adopt as a process that has watched long enough to know which processes are dead."""

    def look() -> Turn | None:
        now = clock.now()
        return retry_shield.adopt(key_id=generation.api_key_id, body_digest=digest, by=by, now=now)

    try:
        turn = look()
    except Undecided:
        earlier(by, 4)
        turn = look()
    return None if turn is None else turn.generation_id


def test_a_live_process_keeps_its_callers_generations(acme, here, elsewhere):
    generation = waited_for(acme, elsewhere)

    assert adopted(generation, here) is None


def test_a_dead_process_leaves_orphans_for_one_caller_each(acme, here):
    generation = waited_for(acme, WebProcess())

    assert [adopted(generation, here), adopted(generation, here)] == [generation.id, None]


def test_a_process_is_not_dead_before_its_lock_was_free_for_four_seconds(acme, here):
    dead = WebProcess()
    generation = waited_for(acme, dead)
    wanted = {"key_id": generation.api_key_id, "body_digest": DIGEST, "by": here}

    with pytest.raises(Undecided):
        retry_shield.adopt(**wanted, now=clock.now())
    earlier(here, 3.9)
    with pytest.raises(Undecided):
        retry_shield.adopt(**wanted, now=clock.now())

    assert list(here.free) == [dead.number]


def test_two_looks_long_apart_are_no_proof_of_what_was_between(acme, here):
    generation = waited_for(acme, WebProcess())
    wanted = {"key_id": generation.api_key_id, "body_digest": DIGEST, "by": here}
    with pytest.raises(Undecided):
        retry_shield.adopt(**wanted, now=clock.now())
    here.free = {
        number: Free(free.since - 10, free.seen_at - 10) for number, free in here.free.items()
    }

    with pytest.raises(Undecided):
        retry_shield.adopt(**wanted, now=clock.now())


def test_a_process_that_took_its_lock_again_was_not_dead(acme, here, elsewhere):
    generation = waited_for(acme, elsewhere)
    here.free[elsewhere.number] = Free(time.monotonic() - 10, time.monotonic())

    assert adopted(generation, here) is None
    assert here.free == {}


def test_the_end_of_a_turn_that_is_over_changes_nothing(acme, here, elsewhere):
    generation = waited_for(acme, elsewhere)
    first = Turn(generation.id)
    retry_shield.record_left([first])
    assert adopted(generation, here) == generation.id

    retry_shield.record_left([first])
    retry_shield.answered_statement([first])

    assert adopted(generation, elsewhere) is None
    retry_shield.record_left([Turn(generation.id, 1)])
    assert adopted(generation, elsewhere) == generation.id


def test_marks_that_no_retry_can_find_are_cleared(acme, here):
    waited_for(acme, here)
    old = clock.now() + timedelta(minutes=15, seconds=1)

    assert [retry_shield.forget_old(now=clock.now()), retry_shield.forget_old(now=old)] == [0, 1]
    assert retry_shield.forget_old(now=old) == 0


def test_the_oldest_orphan_is_the_first_to_be_taken(acme, here):
    first = waited_for(acme, WebProcess())
    second = waited_for(acme, WebProcess())
    retry_shield.record_left([Turn(second.id), Turn(first.id)])

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
def test_a_generation_without_an_image_is_not_taken_over(acme, here, state):
    generation = waited_for(
        acme, WebProcess(), state=state, finished_at=clock.now(), captured_micros=0
    )

    assert adopted(generation, here) is None


def test_an_answered_generation_is_not_taken_over(acme, here):
    generation = waited_for(acme, WebProcess())

    fetch(retry_shield.answered_statement([Turn(generation.id)]))

    assert adopted(generation, here) is None


def test_a_caller_who_left_during_admission_leaves_an_orphan(acme, here, elsewhere):
    generation = waited_for(acme, elsewhere)
    attendance = Attendance(elsewhere, Turn(generation.id), is_gone=True)
    elsewhere.gone.add(Turn(generation.id))

    assert retry_shield.attend(attendance, Turn(generation.id))
    retry_shield.record_departure(attendance)

    assert elsewhere.gone == set()
    assert adopted(generation, here) == generation.id


def test_a_departure_that_cannot_be_written_down_is_remembered(acme, elsewhere, monkeypatch):
    generation = waited_for(acme, elsewhere)
    attendance = Attendance(elsewhere, Turn(generation.id), is_gone=True)
    elsewhere.gone.add(Turn(generation.id))

    def is_away(_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(retry_shield, "record_left", is_away)
    retry_shield.record_departure(attendance)

    assert attendance.is_in_doubt
    assert elsewhere.gone == {Turn(generation.id)}


def test_a_process_knows_of_a_departure_before_the_database_does(acme, elsewhere):
    generation = waited_for(acme, elsewhere)
    elsewhere.gone.add(Turn(generation.id))

    assert adopted(generation, elsewhere) == generation.id
    assert adopted(generation, elsewhere) is None


def test_a_departure_known_in_memory_is_good_for_one_of_two_at_once(acme, here, elsewhere):
    """The second finds the row locked, or reads it as the first left it."""
    generation = waited_for(acme, here)
    here.gone.add(Turn(generation.id))
    stale = WebProcess(here.number, set(here.gone))

    assert adopted(generation, here) == generation.id
    assert adopted(generation, stale) is None


def test_only_web_processes_are_counted(here, elsewhere):
    link_events()  # the audit chain's lock is held until the transaction ends
    with alone():
        assert retry_shield.present() == 2
