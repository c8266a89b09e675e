"""Statements that every request runs: parsed and planned once per connection, not each time.

Django binds values on the client, so no two statements are alike to the server. Here values go
beside the text; one whose type the server cannot infer must name it (`%s::text`). Needs
`prepare_threshold` among the database's options.

Writes that belong together are one statement of several parts: all or nothing, in one round trip
and without those of a transaction.

    def count_of(tenant_id: UUID) -> Statement[int]:
        return Statement("SELECT count(*) FROM …", [tenant_id], read=lambda row: row[0])

A statement is a value: `fetch(count_of(…))` runs it on this thread's connection, in a transaction
if one is open there; `await loop_connections.fetch_async(count_of(…))` on one of the loop's, as a
transaction of its own.
"""

import re
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from pictor.kit.words.untyped import Row, Values

T = TypeVar("T")
AsyncCursor: TypeAlias = "psycopg.AsyncRawCursor[Row]"
"""It keeps what it has found out about types."""


class Part(NamedTuple):
    """A statement's text, or that of a part of one, and its values in the order of the text."""

    text: str
    values: Values


@dataclass(frozen=True, slots=True)
class Statement(Generic[T]):
    """A statement, its values in the order of the text, and the reader of its first row.

    Attributes:
        read: makes the result from the first row, or None without one; may raise.
    """

    text: str
    values: Values
    read: Callable[[Row | None], T]


def is_there(row: Row | None) -> bool:
    """Whether the statement had a row."""
    return row is not None


def unread(row: Row | None) -> None:
    """The reader of a statement without a result."""


@cache
def database() -> BaseDatabaseWrapper:
    """Django's handling of values, errors and settings; never connected, so all may share it."""
    return connections.create_connection(DEFAULT_DB_ALIAS)


class NotConnected(psycopg.OperationalError):
    """There was no connection, so nothing was sent."""


def is_answer_lost(error: Exception) -> bool:
    """Whether a statement that raised this may have taken effect all the same."""
    cause = error.__cause__
    return not isinstance(cause, NotConnected) and getattr(cause, "sqlstate", None) is None


class _Held(threading.local):
    """This thread's cursor: what it has found out about types serves every statement."""

    cursor: psycopg.RawCursor[tuple[Any, ...]] | None = None


_held = _Held()


def has_ended(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """Whether a server sent something unasked: usually its last message, as it stopped.

    Sends nothing. A server whose machine vanished is not noticed.
    """
    try:
        heard = select.poll()
        heard.register(connection.pgconn.socket, select.POLLIN)
    except psycopg.OperationalError:  # closed here already
        return True
    return bool(heard.poll(0))


def connect() -> None:
    """Have a connection in this thread. Raises Django's OperationalError, by NotConnected."""
    try:
        connections[DEFAULT_DB_ALIAS].ensure_connection()
    except OperationalError as error:
        raise OperationalError(*error.args) from NotConnected(*error.args)


async def connected() -> AsyncCursor:
    """A new connection's, for a loop. Raises as `connect` does."""
    settings = database().get_connection_params()
    del settings["cursor_factory"]  # it is of connections that block
    with database().wrap_database_errors:
        try:
            connection = await psycopg.AsyncConnection.connect(autocommit=True, **settings)
            try:
                zone = database().timezone_name
                if connection.info.parameter_status("TimeZone") != zone:
                    await connection.execute("SELECT set_config('TimeZone', %s, false)", [zone])
            except BaseException:
                connection.pgconn.finish()
                raise
        except psycopg.OperationalError as error:
            raise NotConnected(*error.args) from error
    return psycopg.AsyncRawCursor(connection)


def fetch(statement: Statement[T]) -> T:
    """Run it on this thread's connection. Raises Django's database errors, and what `read` does."""
    return statement.read(fetch_one(statement.text, statement.values))


def fetch_one(statement: str, values: Values) -> Row | None:
    """The first row; None where there is none. Raises Django's database errors."""
    connect()
    connection = connections[DEFAULT_DB_ALIAS]
    connection.validate_no_broken_transaction()
    cursor = _held.cursor
    if cursor is None or cursor.connection is not connection.connection:
        cursor = _held.cursor = psycopg.RawCursor(connection.connection)
    with connection.wrap_database_errors:
        return cursor.execute(numbered(statement), values, prepare=True).fetchone()


def together(*, answer: Part, **parts: Part) -> Part:
    """One statement of several parts; later ones may read from earlier ones by name.

    A part that reads from one without rows writes nothing and calls no function: each is
    materialized, or PostgreSQL might read the two in another order.

    Args:
        answer: the final query.
        parts: each by its name, in order.
    """
    text = _together(answer.text, tuple((name, part.text) for name, part in parts.items()))
    return Part(text, [value for part in (*parts.values(), answer) for value in part.values])


@cache
def numbered(statement: str) -> str:
    """For PostgreSQL: `$1, $2` for each `%s`. psycopg repeats that work for long statements."""
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", statement)


@cache
def _together(answer: str, parts: tuple[tuple[str, str], ...]) -> str:
    named = ", ".join(f"{name} AS MATERIALIZED ({text})" for name, text in parts)
    return f"WITH {named} {answer}"
