"""An event loop's own connections to PostgreSQL: lent for a statement, and ended."""

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest
import uvloop
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from pictor.kit.database import loop_connections, pools, prepared
from pictor.kit.database.breaks import breaks_met
from pictor.kit.database.loop_connections import fetch_async
from pictor.kit.database.prepared import Statement, is_answer_lost, unread
from pictor.kit.words.ids import new_uuid
from tests.kit.asking import first_row

pytestmark = pytest.mark.usefixtures("pooled_connections")


async def pid() -> int:
    (found,) = await first_row("SELECT pg_backend_pid()") or ()
    return int(found)


def test_a_connection_is_used_again_and_its_statements_stay_prepared():
    async def uses() -> tuple[set[int], Any]:
        pids = {await pid() for _ in range(3)}
        return pids, await first_row(
            "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s::text",
            "%pg_backend_pid()%",
        )

    pids, statements = asyncio.run(uses())

    assert len(pids) == 1
    assert statements == (1,)


def test_a_connection_that_was_not_used_serves_the_next():
    async def one_after_another() -> set[int]:
        first = await pid()
        async with loop_connections.one():
            pass
        return {first, await pid()}

    assert len(asyncio.run(one_after_another())) == 1


def test_more_than_there_are_connections_wait_for_their_turn(monkeypatch):
    monkeypatch.setattr(loop_connections, "CONNECTIONS", 2)

    async def asks() -> list[int]:
        both = await asyncio.gather(*(pid() for _ in range(9)))
        return list(both)

    pids = asyncio.run(asks())

    assert (len(pids), len(set(pids))) == (9, 2)


def test_times_are_as_django_reads_them():
    text = "SELECT timestamptz '2026-11-23 12:00+02', current_setting('TimeZone')"

    assert asyncio.run(first_row(text)) == prepared.fetch_one(text, [])


END = "SELECT pg_terminate_backend(%s::int, 5000)"


async def breaks_on_the_loop() -> None:
    with pytest.raises(OperationalError):
        await first_row("SELECT pg_terminate_backend(pg_backend_pid())")


async def breaks_a_transaction_in_the_pool() -> None:
    """The pool thread that ends it makes another connection at once."""

    @transaction.atomic
    def ends() -> None:
        connection.ensure_connection()
        mine = connection.connection.info.backend_pid
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])
        prepared.fetch_one("SELECT 1", [])

    with pytest.raises(OperationalError):
        await pools.database(ends)


def backend() -> int:
    (found,) = prepared.fetch_one("SELECT pg_backend_pid()", []) or ()
    return int(found)


async def of_the_loop() -> list[int]:
    """PostgreSQL processes of the loop's connections, each used once."""
    return list(await asyncio.gather(*(pid() for _ in range(3))))


async def of_the_pool() -> list[int]:
    meeting = threading.Barrier(8)

    def backend_of_each() -> int:
        meeting.wait(10)  # so that each of the pool's threads has exactly one call
        return backend()

    return list(await asyncio.gather(*(pools.database(backend_of_each) for _ in range(8))))


async def end_from_the_pool(one: int) -> None:
    await pools.database(prepared.fetch_one, END, [one])


@pytest.mark.parametrize(
    ("whose", "end"), [(of_the_loop, end_from_the_pool), (of_the_pool, partial(first_row, END))]
)
def test_nobody_is_refused_for_connections_that_ended_while_they_were_idle(whose, end):
    """Happens after a restart of PostgreSQL, however long ago."""

    async def goes_on() -> tuple[list[int], list[int]]:
        idle = await whose()
        for one in idle:
            await end(one)
        return idle, await whose()

    idle, anew = asyncio.run(goes_on())

    assert not set(idle) & set(anew)


async def breaks_in_the_pool() -> None:
    with pytest.raises(OperationalError):
        await pools.database(
            prepared.fetch_one, "SELECT pg_terminate_backend(pg_backend_pid())", []
        )


@pytest.mark.parametrize(
    "breaks", [breaks_on_the_loop, breaks_in_the_pool, breaks_a_transaction_in_the_pool]
)
def test_a_broken_connection_has_the_idle_others_replaced(breaks):
    """Happens after a restart of PostgreSQL, when all are dead and unused since."""

    async def goes_on() -> list[int]:
        idle = await asyncio.gather(*(pid() for _ in range(3)))
        await breaks()
        for one in idle:
            await pools.database(prepared.fetch_one, END, [one])
        return [one for one in [await pid() for _ in range(3)] if one in idle]

    assert asyncio.run(goes_on()) == []


def test_a_connection_that_broke_in_a_thread_with_few_words_is_lost_all_the_same():
    def breaks() -> None:
        connection.ensure_connection()
        connection.connection.close()
        raise DatabaseError(
            "server closed the connection unexpectedly"
        ) from psycopg.DatabaseError()

    async def goes_on() -> tuple[bool, int]:
        before = breaks_met()
        with pytest.raises(OperationalError) as failed:
            await pools.database(breaks)
        return is_answer_lost(failed.value), breaks_met() - before

    assert asyncio.run(goes_on()) == (True, 1)


def test_after_an_error_that_is_not_about_values_the_connection_is_another_one():
    """A statement prepared for an older form of a table would fail on it repeatedly."""

    async def fails() -> tuple[int, int, int]:
        before = await pid()
        with pytest.raises(DataError):
            await first_row("SELECT 1 / %s::int", 0)
        kept = await pid()
        with pytest.raises(ProgrammingError):
            await first_row("SELECT * FROM no_such_table")
        return before, kept, await pid()

    before, kept, after = asyncio.run(fails())

    assert before == kept != after


def a_sleep() -> str:
    """A long statement unlike any other: one that was cut off sleeps on."""
    return f"SELECT pg_sleep(60) AS s_{new_uuid().hex}"


async def is_asleep(statement: str) -> bool:
    """True once it executes. While it is prepared it is active, too, but a cancel misses it."""
    found = "SELECT 1 FROM pg_stat_activity WHERE query = %s::text AND wait_event = 'PgSleep'"
    return await first_row(found, statement) is not None


def test_a_statement_that_is_given_up_leaves_its_connection_fit_or_gone():
    async def gives_up() -> Any:
        sleep = a_sleep()
        waiting = asyncio.create_task(first_row(sleep))
        while not await is_asleep(sleep):
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not await is_asleep(sleep)
        return [await first_row("SELECT %s::int", number) for number in range(3)]

    assert asyncio.run(gives_up()) == [(0,), (1,), (2,)]


def test_a_database_that_is_away_is_an_operational_error_as_djangos(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", "1")
        with pytest.raises(OperationalError):
            asyncio.run(first_row("SELECT 1"))


def test_a_failed_connection_gives_its_turn_back(monkeypatch):
    monkeypatch.setattr(loop_connections, "CONNECTIONS", 2)

    async def asks() -> Any:
        with monkeypatch.context() as patch:
            patch.setitem(connection.settings_dict, "PORT", "1")
            nine = (first_row("SELECT 1") for _ in range(9))
            failed = await asyncio.gather(*nine, return_exceptions=True)
        lost = [is_answer_lost(one) for one in failed if isinstance(one, OperationalError)]
        return lost, await first_row("SELECT %s::int", 1)

    assert asyncio.run(asks()) == ([False] * 9, (1,))


async def cut_off() -> bool:
    """A connection that ends silently in the middle of a statement."""
    await first_row("SELECT 1")
    (free,) = (await loop_connections.of_this_loop()).free
    with socket.socket(fileno=os.dup(free.cursor.connection.pgconn.socket)) as same:
        sleep = a_sleep()
        waiting = asyncio.create_task(first_row(sleep))
        await asyncio.sleep(0)  # it takes that connection
        while not await is_asleep(sleep):
            await asyncio.sleep(0)
        same.shutdown(socket.SHUT_RDWR)
        with pytest.raises(OperationalError) as failed:
            await waiting
    ends = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query = %s::text"
    await first_row(ends, sleep)  # PostgreSQL would sleep on, unaware that nobody waits
    return is_answer_lost(failed.value)


def test_a_refusal_is_an_answer_and_a_connection_that_broke_is_none():
    async def fails(text: str) -> bool:
        with pytest.raises(OperationalError) as failed:
            await first_row(text)
        return is_answer_lost(failed.value)

    assert not asyncio.run(fails("DO $$ BEGIN RAISE lock_not_available; END $$"))
    assert not asyncio.run(fails("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert asyncio.run(cut_off())


def test_a_date_taken_after_the_connection_is_the_time_of_writing(monkeypatch):
    monkeypatch.setattr(loop_connections, "CONNECTIONS", 1)
    begun: list[str] = []

    async def dated() -> None:
        async with loop_connections.one() as connection:
            begun.append("dated")
            await connection.fetch(Statement("SELECT 1", [], unread))

    async def waits() -> list[str]:
        async with loop_connections.one():
            waiting = asyncio.create_task(dated())
            for _ in range(5):
                await asyncio.sleep(0)
            before = list(begun)
        await waiting
        return before

    assert asyncio.run(waits()) == []
    assert begun == ["dated"]


def in_thread(statement: Statement[Any]) -> Any:
    return prepared.fetch(statement)


def on_loop(statement: Statement[Any]) -> Any:
    return asyncio.run(fetch_async(statement))


def on_uvloop(statement: Statement[Any]) -> Any:
    return uvloop.run(fetch_async(statement))


@pytest.fixture(params=[in_thread, on_loop, on_uvloop])
def run(request: pytest.FixtureRequest) -> Callable[[Statement[Any]], Any]:
    """Run a statement in one of the ways."""
    way: Callable[[Statement[Any]], Any] = request.param
    return way


def test_a_statement_is_what_it_reads_in_its_first_row(run):
    adds = Statement("SELECT %s::int + 1, %s::text", [1, "a"], lambda row: row)

    assert run(adds) == (2, "a")
    assert run(Statement("SELECT 1", [], bool)) is True
    assert run(Statement("SELECT 1 WHERE false", [], bool)) is False


def test_a_refusal_of_the_database_is_djangos_error(run):
    twice = "INSERT INTO accounts_configrevision VALUES (7, 7) RETURNING 1"

    with pytest.raises(IntegrityError, match="config_revision_is_one_row"):
        run(Statement(twice, [], unread))
    with pytest.raises(DataError, match="division by zero"):
        run(Statement("SELECT 1 / %s::int", [0], unread))
    assert run(Statement("SELECT %s::int", [1], lambda row: row)) == (1,)


def test_an_error_of_the_reader_reaches_the_caller(run):
    def fails(_: object) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(Statement("SELECT 1", [], fails))


def test_a_failed_connection_leaves_no_doubt(run, monkeypatch):
    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", "1")
        with pytest.raises(OperationalError) as refused:
            run(Statement("SELECT 1", [], unread))

    assert not is_answer_lost(refused.value)


def test_a_loop_has_connections_of_its_own():
    first, second = asyncio.run(pid()), asyncio.run(pid())

    assert first != second
