"""PostgreSQL for an event loop: a few connections of its own, one statement at a time on each.

Transactions of several statements run in threads of `pools.py`, on Django's connections.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg

from pictor.kit.database import prepared
from pictor.kit.database.breaks import breaks_met, broke
from pictor.kit.database.prepared import AsyncCursor, SetStatement, Statement
from pictor.kit.running.per_loop import PerLoop
from pictor.kit.running.turns import CALLS, THREADS
from pictor.kit.words.untyped import Row

T = TypeVar("T")

_CALLS = CALLS.labels("loop")
CONNECTIONS = 4
"""Upper bound per loop: eight did no more work (docs/adr/0028). Opened when none is free."""


class LentConnection:
    """A connection on loan. Meanwhile its borrower may await nothing but its statements."""

    def __init__(self, cursor: AsyncCursor) -> None:
        self.cursor = cursor
        self.breaks = breaks_met()
        self.is_fit = True

    async def fetch(self, statement: Statement[T]) -> T:
        """Run a statement, prepared. Raises Django's database errors and those of `read`.

        A cancelled statement may have taken effect.
        """
        rows = await self._rows(statement)
        return statement.read(rows[0] if rows else None)

    async def fetch_set(self, statement: SetStatement[T]) -> T:
        """Run a statement of which every row is read. Raises as `fetch` does."""
        return statement.read(await self._rows(statement))

    async def _rows(self, statement: Statement[Any] | SetStatement[Any]) -> list[Row]:
        text, connection = prepared.renumber(statement.text), self.cursor.connection
        # A statement that is cancelled half-way leaves the connection within its answer.
        self.is_fit = False
        with prepared.database().wrap_database_errors:
            try:
                await self.cursor.execute(text, statement.values, prepare=True)
                rows = await self.cursor.fetchall()
            except (psycopg.DataError, psycopg.IntegrityError):
                self.is_fit = True  # the values are at fault, and the connection is unchanged
                raise
            except psycopg.DatabaseError as error:
                if type(error) is psycopg.DatabaseError and connection.closed:
                    raise psycopg.OperationalError(*error.args) from error  # libpq says no more
                raise
        self.is_fit = True
        return rows


class LoopConnections:
    """The connections of one running loop, to be used only there."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(CONNECTIONS)
        self.free: list[LentConnection] = []
        self._heard_of = breaks_met()
        THREADS.labels("loop").set(CONNECTIONS)

    async def lend(self) -> LentConnection:
        """Return a free or new connection.

        All free ones are closed first if any connection of the process has broken.
        """
        if self._heard_of != (breaks := breaks_met()):
            self._heard_of = breaks
            await self.end()
        while self.free:
            lent = self.free.pop()
            if not prepared.has_ended(lent.cursor.connection):
                return lent
            lent.cursor.connection.pgconn.finish()
        return LentConnection(await prepared.open_cursor())

    def take_back(self, lent: LentConnection) -> None:
        """Free a lent connection, or close it if it is unfit or any has broken meanwhile."""
        if lent.is_fit and lent.breaks == breaks_met():
            self.free.append(lent)
            return
        if lent.cursor.connection.closed:
            broke()
        lent.cursor.connection.pgconn.finish()

    async def end(self) -> None:
        """Close all free connections at once."""
        for lent in self.free:
            lent.cursor.connection.pgconn.finish()
        self.free.clear()


_of_loops: PerLoop[LoopConnections] = PerLoop()


async def of_this_loop() -> LoopConnections:
    """Return the running loop's connections, which end with the loop."""
    return await _of_loops.of("", LoopConnections)


@asynccontextmanager
async def one() -> AsyncIterator[LentConnection]:
    """Borrow one of the loop's connections, in turn. Raises Django's OperationalError.

    For statements whose values must be read right before them; otherwise use `fetch_async`.
    """
    connections = await of_this_loop()
    with _CALLS.track_inprogress():
        async with connections.turns:
            lent = await connections.lend()
            try:
                yield lent
            finally:
                connections.take_back(lent)


async def fetch_async(statement: Statement[T]) -> T:
    """Run a statement on one of the running loop's connections, as `LentConnection.fetch` does."""
    async with one() as connection:
        return await connection.fetch(statement)
