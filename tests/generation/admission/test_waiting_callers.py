"""A web process's callers: present while it lives, and written down when they leave."""

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Collection

import anyio
import psycopg
import pytest
from django.db import OperationalError, connection

from generation.admission import retry_shield
from generation.admission import waiting_callers as module
from generation.admission.retry_shield import Attendance, Turn
from generation.admission.waiting_callers import Callers
from pictor.kit.database.prepared import Statement
from pictor.kit.running import vital
from pictor.kit.words import ids

pytestmark = [pytest.mark.anyio, pytest.mark.django_db(transaction=True)]

OnEnd = list[Callable[[bool], None]]
ANSWERED, LEFT = True, False


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(module, "CONFIRM_SECONDS", 0.01)


def attended(callers: Callers, on_end: OnEnd) -> Attendance:
    return callers.attend(ids.new_uuid(), on_end)


def noting(written: list[set[Turn]]) -> Callable[[Collection[Turn]], Statement[None]]:
    """Record the turns it is given."""
    answered = retry_shield.answered_statement

    def noted(turns: Collection[Turn]) -> Statement[None]:
        written.append(set(turns))
        return answered(turns)

    return noted


@contextlib.asynccontextmanager
async def started() -> AsyncIterator[Callers]:
    """Callers of a process that the database knows."""
    callers = Callers()
    await callers.start()
    while not holders(attended(callers, []).process.number):
        await anyio.sleep(0.01)  # between two looks
    try:
        yield callers
    finally:
        await callers.stop()
        await anyio.to_thread.run_sync(callers.thread.join)


def rows(sql: str, number: int) -> list[tuple[int]]:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        return other.execute(sql, [number]).fetchall()


def holders(number: int) -> list[int]:
    """The backends that hold the lock of a process."""
    found = rows(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND (classid::bigint << 32) + objid::bigint = %s",
        number,
    )
    return [pid for (pid,) in found]


async def test_a_process_is_present_from_its_start_to_its_end():
    async with started() as callers:
        number = attended(callers, []).process.number
        during = len(holders(number))

    assert during == 1
    with anyio.fail_after(10):
        while holders(number):  # PostgreSQL has not yet noticed that the connection is closed
            await anyio.sleep(0.01)  # between two looks


async def test_a_process_whose_connection_was_cut_is_present_again():
    async with started() as callers:
        number = attended(callers, []).process.number
        (before,) = holders(number)
        rows("SELECT pg_terminate_backend(%s)", before)
        with anyio.fail_after(10):
            while holders(number) in ([], [before]):
                await anyio.sleep(0.01)  # between two looks


async def test_a_departure_is_written_down_as_often_as_it_takes(monkeypatch):
    written: list[set[Turn]] = []

    def left(turns):
        written.append(set(turns))
        if len(written) == 1:
            raise OperationalError("the database is away")

    monkeypatch.setattr(retry_shield, "record_left", left)
    on_end: OnEnd = []
    async with started() as callers:
        attendance = attended(callers, on_end)
        attendance.is_admitted = True
        on_end[0](LEFT)
        gone_at_once = set(attendance.process.gone)

    assert gone_at_once == {attendance.turn}
    assert written == [{attendance.turn}] * 2
    assert attendance.process.gone == set()


async def test_an_error_is_no_answer_to_an_admission_in_doubt(monkeypatch):
    answered: list[set[Turn]] = []
    left: list[Turn] = []
    monkeypatch.setattr(retry_shield, "answered_statement", noting(answered))
    monkeypatch.setattr(retry_shield, "record_left", left.extend)
    on_end: OnEnd = []
    async with started() as callers:
        attendance = attended(callers, on_end)
        attendance.is_in_doubt = True
        on_end[0](ANSWERED)
        gone_at_once = set(attendance.process.gone)

    assert gone_at_once == {attendance.turn}
    assert (answered, left) == ([], [attendance.turn])


async def test_a_caller_who_left_before_the_doubt_was_known_is_recorded_later(monkeypatch):
    left: list[Turn] = []
    monkeypatch.setattr(module, "GONE_SECONDS", 0.01)
    monkeypatch.setattr(retry_shield, "record_left", left.extend)
    on_end: OnEnd = []
    async with started() as callers:
        attendance = attended(callers, on_end)
        on_end[0](LEFT)
        attendance.is_in_doubt = True
        with anyio.fail_after(10):
            while attendance.turn in attendance.process.gone:
                await anyio.sleep(0.01)  # between two looks

    assert left == [attendance.turn]


async def test_answers_are_written_together(monkeypatch):
    written: list[set[Turn]] = []
    monkeypatch.setattr(retry_shield, "answered_statement", noting(written))
    on_end: OnEnd = []
    async with started() as callers:
        three = [attended(callers, on_end) for _ in range(3)]
        for attendance, ended in zip(three, on_end, strict=True):
            attendance.is_admitted = True
            ended(ANSWERED)

    assert written == [{attendance.turn for attendance in three}]


async def test_a_refused_caller_is_not_recorded(monkeypatch):
    written: list[set[Turn]] = []
    monkeypatch.setattr(retry_shield, "answered_statement", noting(written))
    monkeypatch.setattr(retry_shield, "record_left", lambda found: written.append(set(found)))
    on_end: OnEnd = []
    async with started() as callers:
        for was_answered in (ANSWERED, LEFT):
            attended(callers, on_end)
            on_end.pop()(was_answered)

    assert written == []


async def test_a_process_whose_presence_hangs_ends(monkeypatch):
    goes_on, has_ended = threading.Event(), anyio.Event()
    reasons = set()

    def end_process(why: str) -> None:
        reasons.add(why)
        has_ended.set()

    monkeypatch.setattr(module, "SILENT_SECONDS", 2.0)
    monkeypatch.setattr(module, "LISTEN_SECONDS", 0.01)
    monkeypatch.setattr(vital, "end_process", end_process)
    async with started() as callers:
        before = callers._confirmed_at  # noqa: SLF001 - each look renews it
        while callers._confirmed_at - before < 0.1:  # noqa: SLF001 - as above
            assert not has_ended.is_set()
            await anyio.sleep(0.01)  # between two looks
        monkeypatch.setattr(retry_shield, "confirm_presence", goes_on.wait)
        try:
            with anyio.fail_after(10):
                await has_ended.wait()
        finally:
            goes_on.set()

    assert reasons == {"its presence has hung"}
