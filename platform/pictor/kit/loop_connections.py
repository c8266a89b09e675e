"""PostgreSQL for an event loop: a few connections of its own, each for a statement at a time.

For moments alone (kit/moments.py), whose statements are prepared and a transaction each. What needs
more than that runs in the pools' threads, over Django's connections.
"""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import psycopg

from pictor.kit import pools, prepared
from pictor.kit.prepared import NotConnected

CONNECTIONS = 4
"""At most, for a loop; each is made where a statement finds none free, and stays.

A loop that keeps a core busy needs no more where a commit takes a few milliseconds: eight admitted
and settled no more, took 20 MB more, and on one core a tenth more of PostgreSQL's CPU.
"""

Cursor: TypeAlias = "psycopg.AsyncRawCursor[tuple[Any, ...]]"


class Lent(NamedTuple):
    """A connection in use, by its cursor, and how many had broken in this process before that."""

    cursor: Cursor
    breaks: int


class Borrower:
    """Has one of CONNECTIONS from `connect` on, at the latest for a statement, until that is made.

    Meanwhile it may not wait for anything else; what is left over at the end is given back.
    """

    __slots__ = ("_connections", "_lent")

    def __init__(self, connections: "LoopConnections") -> None:
        self._connections = connections
        self._lent: Lent | None = None

    def __enter__(self) -> "Borrower":
        return self

    def __exit__(self, *_: object) -> None:
        if self._lent is not None:
            self._connections.take_back(self._lent, is_fit=True)

    async def connect(self) -> None:
        """Have a connection: the next statement is sent at once. Raises as `fetch_one` does."""
        if self._lent is None:
            self._lent = await self._connections.lend()

    async def fetch_one(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The first row; None where there is none. Raises Django's database errors."""
        await self.connect()
        lent, self._lent = self._lent, None
        assert lent is not None  # noqa: S101 - it was lent above
        return await self._connections.fetched(lent, prepared.numbered(statement), values)


class LoopConnections:
    """The connections of one running loop. To be used on it alone."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._free: list[Cursor] = []
        self._heard_of = pools.breaks()
        self._unfinished = 0
        pools.THREADS.labels("loop").set(CONNECTIONS)
        pools.CALLS.labels("loop").set_function(lambda: self._unfinished)

    async def lend(self) -> Lent:
        """A free or a new connection, waited for in turn. Raises Django's database errors."""
        self._unfinished += 1
        try:
            await self._turns.acquire()
        except BaseException:
            self._unfinished -= 1
            raise
        breaks = pools.breaks()
        try:
            with prepared.database().wrap_database_errors:
                return Lent(await self._cursor(), breaks)
        except BaseException:
            self._end_turn()
            raise

    def take_back(self, lent: Lent, *, is_fit: bool) -> None:
        """It is free again, or closed if it is not fit or others have broken meanwhile."""
        if is_fit and lent.breaks == pools.breaks():
            self._free.append(lent.cursor)
        else:
            self._drop(lent.cursor)
        self._end_turn()

    def _end_turn(self) -> None:
        self._turns.release()
        self._unfinished -= 1

    async def fetched(
        self, lent: Lent, statement: str, values: Sequence[Any]
    ) -> tuple[Any, ...] | None:
        """The first row of a statement, and the connection taken back."""
        with prepared.database().wrap_database_errors:
            return await self._fetched(lent, statement, values)

    async def _fetched(
        self, lent: Lent, statement: str, values: Sequence[Any]
    ) -> tuple[Any, ...] | None:
        cursor, is_fit = lent.cursor, False
        try:
            await cursor.execute(statement, values, prepare=True)
            row = await cursor.fetchone()
            is_fit = True
        except (psycopg.DataError, psycopg.IntegrityError):
            is_fit = True  # the values were not, and the connection is as it was
            raise
        except psycopg.DatabaseError as error:
            if type(error) is psycopg.DatabaseError and cursor.connection.closed:
                raise psycopg.OperationalError(*error.args) from error  # libpq says no more of it
            raise
        finally:
            self.take_back(lent, is_fit=is_fit)
        return row

    @staticmethod
    def _drop(cursor: Cursor) -> None:
        connection = cursor.connection
        if connection.closed:
            pools.broke()
        connection.pgconn.finish()

    async def _cursor(self) -> Cursor:
        """Of a free or new connection; free ones are closed if any of the process's broke."""
        if self._heard_of != (breaks := pools.breaks()):
            self._heard_of = breaks
            self.finish()
        while self._free:
            cursor = self._free.pop()
            if not prepared.has_ended(cursor.connection):
                return cursor
            cursor.connection.pgconn.finish()
        try:
            return await _connected()
        except psycopg.OperationalError as error:
            raise NotConnected(*error.args) from error

    def finish(self) -> None:
        """Close all that are free, at once."""
        for cursor in self._free:
            cursor.connection.pgconn.finish()
        self._free.clear()


async def _connected() -> Cursor:
    """A connection with Django's settings. Its cursor keeps what it finds out about types."""
    database = prepared.database()
    settings = database.get_connection_params()
    del settings["cursor_factory"]  # it is of connections that block
    connection = await psycopg.AsyncConnection.connect(autocommit=True, **settings)
    zone = database.timezone_name
    try:
        if connection.info.parameter_status("TimeZone") != zone:
            await connection.execute("SELECT set_config('TimeZone', %s, false)", [zone])
    except BaseException:
        connection.pgconn.finish()
        raise
    return psycopg.AsyncRawCursor(connection)


class _Mine(threading.local):
    """Those of the loop that runs in this thread."""

    connections: LoopConnections | None = None


_mine = _Mine()


def of_this_loop() -> LoopConnections:
    """The running loop's; those of an earlier one in this thread are closed."""
    mine = _mine.connections
    if mine is None or mine.loop is not asyncio.get_running_loop():
        finish()
        mine = _mine.connections = LoopConnections()
    return mine


def finish() -> None:
    """Close the free connections of this thread's loop, as it ends or afterwards."""
    if _mine.connections is not None:
        _mine.connections.finish()
        _mine.connections = None
