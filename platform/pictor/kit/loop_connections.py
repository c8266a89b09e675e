"""PostgreSQL for an event loop: a few connections of its own, each for a statement at a time.

For moments alone (kit/moments.py), whose statements are prepared and a transaction each. What needs
more than that runs in the pools' threads, over Django's connections.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import psycopg

from pictor.kit import pools, prepared

CONNECTIONS = 8
"""At most, for a loop; each is made where a statement finds none free, and stays."""

Cursor: TypeAlias = "psycopg.AsyncRawCursor[tuple[Any, ...]]"


class NotConnected(psycopg.OperationalError):
    """No connection was to be had, so nothing was sent."""


def is_answer_lost(error: Exception) -> bool:
    """Whether a statement that raised this may have been done all the same."""
    cause = error.__cause__
    return not isinstance(cause, NotConnected) and getattr(cause, "sqlstate", None) is None


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

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one of CONNECTIONS; whoever has it asks for one row at a time."""
        self._unfinished += 1
        try:
            async with self._turns:
                yield
        finally:
            self._unfinished -= 1

    async def fetch_one(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """In a turn: the first row; None where there is none. Raises Django's database errors."""
        with prepared.database().wrap_database_errors:
            return await self._fetched(prepared.numbered(statement), values)

    async def _fetched(self, statement: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        is_fit, heard_of = False, pools.breaks()
        cursor = await self._cursor()
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
            if is_fit and heard_of == pools.breaks():
                self._free.append(cursor)
            else:
                self._drop(cursor)
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
        try:
            return self._free.pop() if self._free else await _connected()
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
    """Close the connections of this thread's loop, which has ended."""
    if _mine.connections is not None:
        _mine.connections.finish()
        _mine.connections = None
