"""Statements that every request runs: parsed and planned once a connection, not each time.

Django binds values on the client, so that no two statements are alike to the server. Here they go
beside the text: a value that only text is made of must say its type (`%s::text`). Needs
`prepare_threshold` among the database's options.

What belongs together is one statement of several parts: all of it is done or nothing, in one round
trip and without a transaction's own.

    def count_of(tenant_id: UUID) -> Statement[int]:
        return Statement("SELECT count(*) FROM …", [tenant_id], read=lambda row: row[0])

A statement is a value: `fetch(count_of(…))` runs it on this thread's connection, within whatever
transaction is open there; `await loop_connections.fetch_async(count_of(…))` on one of the loop's, a
transaction by itself.
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

from pictor.kit.untyped import Row, Values

T = TypeVar("T")
AsyncCursor: TypeAlias = "psycopg.AsyncRawCursor[Row]"
"""It keeps what it has found out about types."""


class Part(NamedTuple):
    """A statement's text, or that of a part of one, and its values in the order of the text."""

    text: str
    values: Values


@dataclass(frozen=True, slots=True)
class Statement(Generic[T]):
    """A statement, its values in the order of the text, and what its first row means.

    Attributes:
        read: makes the result of the first row, or of None where there is none; may raise.
    """

    text: str
    values: Values
    read: Callable[[Row | None], T]


def is_there(row: Row | None) -> bool:
    """Whether the statement had a row."""
    return row is not None


def unread(row: Row | None) -> None:
    """For a statement whose row says nothing."""


@cache
def database() -> BaseDatabaseWrapper:
    """Django's ways with values, errors and settings; never connected, so all may share it."""
    return connections.create_connection(DEFAULT_DB_ALIAS)


class NotConnected(psycopg.OperationalError):
    """No connection was to be had, so nothing was sent."""


def is_answer_lost(error: Exception) -> bool:
    """Whether a statement that raised this may have been done all the same."""
    cause = error.__cause__
    return not isinstance(cause, NotConnected) and getattr(cause, "sqlstate", None) is None


class _Held(threading.local):
    """This thread's cursor: what it has found out about types serves every statement."""

    cursor: psycopg.RawCursor[tuple[Any, ...]] | None = None


_held = _Held()


def has_ended(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """Whether a server has said a word that nobody asked for: mostly its last one, as it stopped.

    Asks nothing of it. One whose machine vanished says nothing.
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
    """One statement of several, each a relation that the later ones may read from, by its name.

    A part that reads from one without rows writes nothing, and calls no function: each is
    materialized, or PostgreSQL might read the two in another order.

    Args:
        answer: what is asked of them in the end.
        parts: each by its name, in their order.
    """
    text = _together(answer.text, tuple((name, part.text) for name, part in parts.items()))
    return Part(text, [value for part in (*parts.values(), answer) for value in part.values])


@cache
def numbered(statement: str) -> str:
    """As PostgreSQL takes it: `$1, $2` for each `%s`. psycopg does so anew for long statements."""
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", statement)


@cache
def _together(answer: str, parts: tuple[tuple[str, str], ...]) -> str:
    named = ", ".join(f"{name} AS MATERIALIZED ({text})" for name, text in parts)
    return f"WITH {named} {answer}"
