"""Writes that wait go together, and each has its own answer whatever happens to the others."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeAlias

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from pictor.kit.database import batches, loop_connections, prepared
from pictor.kit.database.batches import Batches, lock_timeout
from pictor.kit.database.prepared import SetStatement, is_answer_lost
from pictor.kit.words.untyped import Row
from tests.generation.admission.arriving import asked
from tests.kit.asking import first_row

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("scratch")]

Kind: TypeAlias = "Batches[Number, tuple[int, int]]"
Writing: TypeAlias = "asyncio.Task[Any]"
GATE = 71
"""The number of the lock that holds writes back."""
WRITE = """
WITH patience AS MATERIALIZED (
    SELECT set_config('lock_timeout', coalesce(%s, '60s'), true)
), w AS MATERIALIZED (
    SELECT w.* FROM patience, ROWS FROM (
        jsonb_to_recordset(%s::jsonb) AS (n int, gate int)) WITH ORDINALITY AS w (n, gate, place)
)
INSERT INTO scratch (n)
SELECT n FROM w, LATERAL pg_advisory_xact_lock_shared(gate) ORDER BY place
RETURNING n, pg_current_xact_id()::text::bigint
"""
BAD = 13
NOBODY = 14


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop of a web process and a worker."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def scratch(pooled_connections: None) -> Iterator[None]:
    """A table whose rows refuse 13 at once, and numbers below zero as they are committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE scratch (n int CHECK (n <> {BAD}));"
            "CREATE TABLE scratch_known (n int PRIMARY KEY);"
            "INSERT INTO scratch_known SELECT generate_series(0, 1000);"
            "ALTER TABLE scratch ADD FOREIGN KEY (n) REFERENCES scratch_known"
            " DEFERRABLE INITIALLY DEFERRED"
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE scratch, scratch_known")


class Number(NamedTuple):
    """A number that is written once its gate is open."""

    n: int
    gate: int = GATE

    def itself(self) -> "Number":
        return self


def numbers_statement(numbers: Sequence[Number]) -> SetStatement[list[tuple[int, int] | Exception]]:
    """Writes numbers; the result has each with its transaction's, and refuses NOBODY."""
    rows = prepared.rows_json([number._asdict() for number in numbers])

    def read(rows: Sequence[Row]) -> list[tuple[int, int] | Exception]:
        return [(n, number) if n != NOBODY else ValueError("no balance") for n, number in rows]

    return SetStatement(WRITE, [lock_timeout(numbers), rows], read)


def of(name: str) -> Kind:
    return Batches(name, numbers_statement)


def writing(kind: Kind, n: int, gate: int = GATE, owner: Any = None) -> Writing:
    write = kind.write(n if owner is None else owner, lambda: Number(n, gate))
    return asyncio.create_task(write)


@asynccontextmanager
async def closed(gate: int = GATE) -> AsyncIterator[None]:
    """Hold all writes back that pass this gate, until the block ends."""
    other = await psycopg.AsyncConnection.connect(
        **connection.get_connection_params() | {"cursor_factory": psycopg.AsyncRawCursor},
        autocommit=True,
    )
    async with other:
        await other.execute("SELECT pg_advisory_lock($1)", [gate])
        yield


WAITING = """SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'advisory'"""


async def some_wait() -> None:
    """Return once a connection waits at a gate."""
    async with asyncio.timeout(30):
        while not asked(WAITING):
            await asyncio.sleep(0.005)  # between two looks


async def written() -> list[int]:
    (found,) = await first_row("SELECT array_agg(n ORDER BY n) FROM scratch") or ()
    return list(found or [])


async def test_what_comes_alone_goes_alone_and_at_once():
    kind = of("one")

    answers = [await writing(kind, n) for n in range(3)]

    assert [n for n, _ in answers] == [0, 1, 2]
    assert len({transaction for _, transaction in answers}) == 3


async def test_what_waits_goes_together_in_the_order_of_owners_with_64_at_most(monkeypatch):
    monkeypatch.setattr(batches, "MOST", 4)
    kind = of("together")
    async with closed():
        first = writing(kind, 0)
        await some_wait()
        others = [writing(kind, n) for n in (6, 3, 5, 1, 4, 2)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(first, *others)

    assert [n for n, _ in answers] == [0, 6, 3, 5, 1, 4, 2]
    by = dict(answers)
    assert by[6] == by[3] == by[5] == by[1] != by[4] == by[2] != by[0]
    assert await first_row("SELECT array_agg(n) FROM scratch") == ([0, 1, 3, 5, 6, 2, 4],)


async def test_long_texts_fill_a_batch(monkeypatch):
    monkeypatch.setattr(batches, "MOST_CHARACTERS", 1000)
    kind = of("long")
    async with closed():
        first = writing(kind, 0)
        await some_wait()
        others = [
            asyncio.create_task(kind.write(n, Number(n).itself, characters=400))
            for n in (1, 2, 3, 4)
        ]
        await asyncio.sleep(0)
    by = dict(await asyncio.gather(first, *others))

    assert by[1] == by[2] == by[3] != by[4]


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("bad", [BAD, -1])
async def test_a_bad_one_fails_alone_wherever_it_is(place, bad):
    kind = of("bad")
    numbers = [1, 2, 3]
    numbers.insert(place, bad)
    async with closed():
        first = writing(kind, 0)
        await some_wait()
        others = [writing(kind, n, owner=owner) for owner, n in enumerate(numbers)]
        await asyncio.sleep(0)
    answers = await asyncio.gather(first, *others, return_exceptions=True)

    assert isinstance(answers.pop(1 + place), IntegrityError)
    assert [one for one in answers if isinstance(one, Exception)] == []
    assert await written() == [0, 1, 2, 3]


async def test_one_that_cannot_be_built_and_one_that_is_refused_fail_alone():
    kind = of("built")

    def refused() -> Number:
        raise ValueError("its caller has left")

    async with closed():
        first = writing(kind, 0)
        await some_wait()
        makes = (refused, lambda: Number(1), lambda: Number(NOBODY), lambda: Number(2))
        others = [asyncio.create_task(kind.write(n, make)) for n, make in enumerate(makes)]
        await asyncio.sleep(0)
    await first
    answers = await asyncio.gather(*others, return_exceptions=True)

    assert [str(answers[0]), str(answers[2])] == ["its caller has left", "no balance"]
    assert await written() == [0, 1, 2, NOBODY]


async def test_who_is_cancelled_before_it_is_sent_leaves_the_queue():
    kind = of("leaves")
    async with closed():
        first = writing(kind, 0)
        await some_wait()
        leaving, staying = writing(kind, 1), writing(kind, 2)
        await asyncio.sleep(0)
        leaving.cancel()
    await asyncio.gather(first, staying)

    assert leaving.cancelled()
    assert await written() == [0, 2]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody steps aside because the machine is slow."""
    monkeypatch.setattr(batches, "PATIENCE", 60)


@pytest.fixture
def hurried(unhurried: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PATIENCE", 0.1)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that wait at a gate, on the loop's only connection."""
    monkeypatch.setattr(loop_connections, "CONNECTIONS", 1)


@asynccontextmanager
async def under_way(kind: Kind, *numbers: int) -> AsyncIterator[list[Writing]]:
    """A batch that waits at a gate until the block ends."""
    async with closed(GATE + 1):
        async with closed():
            first = writing(kind, 0)
            await some_wait()
            others = [writing(kind, n, GATE + 1) for n in numbers]
            await asyncio.sleep(0)
        await first
        await some_wait()
        yield others


async def test_who_is_cancelled_while_it_is_sent_is_forgotten(patient):
    async with under_way(of("forgets"), 1, 2, 3) as writes:
        writes[1].cancel()
    await asyncio.wait(writes)

    assert [one.cancelled() for one in writes] == [False, True, False]
    assert await written() == [0, 1, 2, 3]


async def test_a_broken_connection_leaves_every_write_in_doubt_and_repeats_none(patient):
    await first_row("SELECT 1")
    (free,) = (await loop_connections.of_this_loop()).free
    with socket.socket(fileno=os.dup(free.cursor.connection.pgconn.socket)) as wire:
        async with under_way(of("breaks"), 1, 2) as writes:
            wire.shutdown(socket.SHUT_RDWR)  # and the server does not notice
            failed = await asyncio.gather(*writes, return_exceptions=True)

    assert [type(one) for one in failed] == [OperationalError] * 2
    assert [is_answer_lost(one) for one in failed if isinstance(one, Exception)] == [True] * 2
    assert await written() in ([0], [0, 1, 2])  # nobody can tell which


async def test_a_connection_that_the_server_ends_has_written_nothing_and_all_go_again(patient):
    await first_row("SELECT 1")
    (free,) = (await loop_connections.of_this_loop()).free
    async with under_way(of("ends"), 1, 2) as writes:
        asked("SELECT pg_terminate_backend(%s)", free.cursor.connection.pgconn.backend_pid)
    answers = await asyncio.gather(*writes)

    assert [n for n, _ in answers] == [1, 2]
    assert await written() == [0, 1, 2]


async def test_an_owner_whose_lock_is_taken_holds_up_nobody_and_keeps_one_connection(hurried):
    kind = of("locked")
    async with closed(GATE + 1):
        async with closed():
            first = writing(kind, 0)
            await some_wait()
            stuck = [writing(kind, n, GATE + 1, owner="b") for n in (1, 2, 3)]
            others = [writing(kind, 4, owner="a"), writing(kind, 5, owner="c")]
            await asyncio.sleep(0)
        await asyncio.gather(first, *others)
        later = [writing(kind, 6, GATE + 1, owner="b"), *(writing(kind, n) for n in (7, 8, 9))]
        await asyncio.gather(*later[1:])
        waiting = len(asked(WAITING))
    await asyncio.gather(*stuck, later[0])

    assert waiting == 1
    assert await first_row("SELECT array_agg(n) FROM scratch WHERE n IN (1, 2, 3, 6)") == (
        [1, 2, 3, 6],
    )


async def test_who_goes_alone_and_meets_a_lock_holds_up_nobody_else(hurried):
    kind = of("alone")
    async with closed(GATE + 1):
        stuck = writing(kind, 1, GATE + 1, owner="b")
        await some_wait()
        later = writing(kind, 2, GATE + 1, owner="b")
        others = await asyncio.gather(writing(kind, 3, owner="a"), writing(kind, 4, owner="c"))
        were_done = (stuck.done(), later.done())
    await asyncio.gather(stuck, later)
    together = await asyncio.gather(*(writing(kind, n, owner="b") for n in (5, 6, 7)))

    assert [n for n, _ in others] == [3, 4]
    assert were_done == (False, False)
    assert together[1][1] == together[2][1]  # it goes with others again


async def test_without_a_connection_all_are_refused_at_once(monkeypatch):
    kind = of("away")
    opened = []

    async def away() -> Any:
        opened.append(1)
        raise OperationalError from prepared.NotConnected

    async with closed():
        first = writing(kind, 0)
        await some_wait()
        others = [writing(kind, n) for n in (1, 2, 3)]
        await asyncio.sleep(0)
        monkeypatch.setattr(prepared, "open_cursor", away)
        monkeypatch.setattr(
            *(loop_connections.LoopConnections, "take_back"),
            lambda _, lent: lent.cursor.connection.pgconn.finish(),
        )
    await first
    answers = await asyncio.gather(*others, return_exceptions=True)

    assert [type(one) for one in answers] == [OperationalError] * 3
    assert len(opened) == 1


async def test_the_loops_end_ends_those_that_wait():
    kind = of("ended")

    async def leave() -> Writing:
        writes = [writing(kind, n) for n in (0, 1, 2)]
        await asyncio.sleep(0.01)  # so that one is sent and two wait
        return writes[2]

    async with closed():
        left = await asyncio.to_thread(asyncio.run, leave())

    assert left.cancelled()


def test_batches_keep_their_distance_only_while_the_loop_is_late():
    async def distances() -> list[float]:
        pace = batches._Pace()  # noqa: SLF001 - its lateness is otherwise the machine's
        found = []
        for late in (0.0, 0.0005, 0.0006, 0.0007, 1.0):
            pace.distance(at_most=0.04)
            pace._late = late  # noqa: SLF001 - as above
            found.append(round(pace.distance(at_most=0.04), 6))
        await pace.end()
        return found

    assert asyncio.run(distances()) == [0, 0, 0.02, 0.04, 0.04]


async def test_a_loop_that_is_often_late_keeps_a_distance_and_one_that_was_once_does_not():
    pace = batches._Pace()  # noqa: SLF001 - as above
    now = time.monotonic

    pace.distance(at_most=1)
    for _ in range(40):
        pace._look(now())  # noqa: SLF001 - as above
    pace._look(now() - 1)  # noqa: SLF001 - as above
    assert pace.distance(at_most=1) == 0

    for _ in range(10):
        pace._look(now() - 0.002)  # noqa: SLF001 - as above
    assert 0 < pace.distance(at_most=1) < 0.2
    await pace.end()


async def test_a_blocked_loop_is_late():
    pace = batches._Pace()  # noqa: SLF001 - as above
    assert pace.distance(at_most=1) == 0
    await asyncio.sleep(0.001)  # its first look is due after 0.05 s
    time.sleep(0.5)
    while not pace.distance(at_most=1):
        await asyncio.sleep(0.001)  # until it has looked
    await pace.end()

    assert pace.distance(at_most=1) > 0.05
