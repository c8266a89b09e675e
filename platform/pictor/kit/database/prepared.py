"""Prepared statements for every request: parsed and planned once per connection, not each time.

Django puts values into the text, so no two statements are alike to the server. Here values are sent
beside the text; a value whose type the server cannot infer must name it (`%s::text`). Needs
`prepare_threshold` among the database's options.

Writes that belong together are one statement of several parts: all or nothing, in one round trip
instead of those of a transaction.

    def count_statement(tenant_id: UUID) -> Statement[int]:
        return Statement("SELECT count(*) FROM …", [tenant_id], read=lambda row: row[0])

A statement is a value: `fetch(count_statement(…))` runs it on this thread's connection, in a
transaction if one is open there; `await loop_connections.fetch_async(count_statement(…))` on one of
the loop's, as a transaction of its own.
"""

import json
import re
import select
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.types.json import Jsonb

from pictor.kit.words.untyped import Row, Values

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)
AsyncCursor: TypeAlias = "psycopg.AsyncRawCursor[Row]"
"""Kept with its connection, because a cursor remembers the types it has looked up."""


class SqlPart(NamedTuple):
    """The text of a statement or of a part of one, and its values in the order of the text."""

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


@dataclass(frozen=True, slots=True)
class SetStatement(Generic[R_co]):
    """A statement like `Statement`, of which every row is read."""

    text: str
    values: Values
    read: Callable[[Sequence[Row]], R_co]


def _as_json(value: object) -> object:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return value.obj if isinstance(value, Jsonb) else str(value)


rows_json: Callable[[Sequence[object]], str] = json.JSONEncoder(default=_as_json).encode
"""Rows as one value, from which `jsonb_to_recordset` reads them with their types.

psycopg writes arrays in Python, slower by 0.2 CPU-ms a statement.
"""


def unread(row: Row | None) -> None:
    """Read nothing: the `Statement.read` of a statement without a result."""


@cache
def database() -> BaseDatabaseWrapper:
    """Return Django's wrapper for values, errors and settings; unconnected, so threads share it."""
    return connections.create_connection(DEFAULT_DB_ALIAS)


def server() -> tuple[str, int]:
    """Return the database's host, empty for a socket, and its major version."""
    used = connections[DEFAULT_DB_ALIAS]
    return used.settings_dict["HOST"], used.get_database_version()[0]


class NotConnected(psycopg.OperationalError):
    """No connection could be made, so nothing was sent."""


def is_answer_lost(error: Exception) -> bool:
    """True if a statement that raised this error may still have taken effect."""
    cause = error.__cause__
    return not isinstance(cause, NotConnected) and getattr(cause, "sqlstate", None) is None


def is_undone(error: Exception) -> bool:
    """True if the server reported this error, which undid the statement's transaction."""
    return getattr(error.__cause__, "sqlstate", None) is not None


class _Held(threading.local):
    """This thread's cursor, kept for the types that it has looked up."""

    cursor: psycopg.RawCursor[tuple[Any, ...]] | None = None


_held = _Held()


def has_ended(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """True if an idle connection has unread data: usually the server's parting message.

    Sends nothing, so it does not notice a server whose machine vanished.
    """
    try:
        heard = select.poll()
        heard.register(connection.pgconn.socket, select.POLLIN)
    except psycopg.OperationalError:  # closed here already
        return True
    return bool(heard.poll(0))


def connect() -> None:
    """Ensure this thread has a connection. Raises OperationalError caused by NotConnected."""
    try:
        connections[DEFAULT_DB_ALIAS].ensure_connection()
    except OperationalError as error:
        raise OperationalError(*error.args) from NotConnected(*error.args)


async def open_cursor() -> AsyncCursor:
    """Open a connection for the running loop; return its cursor. Raises as `connect` does."""
    settings = database().get_connection_params()
    del settings["cursor_factory"]  # a class for blocking connections
    with database().wrap_database_errors:
        try:
            connection = await psycopg.AsyncConnection.connect(autocommit=True, **settings)
            try:
                zone = database().timezone_name
                # As Django sets it on its own connections.
                if connection.info.parameter_status("TimeZone") != zone:
                    await connection.execute("SELECT set_config('TimeZone', %s, false)", [zone])
            except BaseException:
                connection.pgconn.finish()
                raise
        except psycopg.OperationalError as error:
            raise NotConnected(*error.args) from error
    return psycopg.AsyncRawCursor(connection)


def fetch(statement: Statement[T]) -> T:
    """Run a statement on this thread's connection.

    Raises Django's database errors and those of `read`.
    """
    return statement.read(fetch_one(statement.text, statement.values))


def fetch_set(statement: SetStatement[T]) -> T:
    """Like `fetch`, for a statement of which every row is read."""
    return statement.read(_executed(statement.text, statement.values).fetchall())


def fetch_one(statement: str, values: Values) -> Row | None:
    """Return the first row, or None without one. Raises Django's database errors."""
    return _executed(statement, values).fetchone()


def _executed(statement: str, values: Values) -> "psycopg.RawCursor[Row]":
    connect()
    connection = connections[DEFAULT_DB_ALIAS]
    # As Django's own cursors do, which are left out here.
    connection.validate_no_broken_transaction()
    cursor = _held.cursor
    if cursor is None or cursor.connection is not connection.connection:
        cursor = _held.cursor = psycopg.RawCursor(connection.connection)
    with connection.wrap_database_errors:
        return cursor.execute(renumber(statement), values, prepare=True)


def joined_part(*, answer: SqlPart, **parts: SqlPart) -> SqlPart:
    """Join parts into one statement, in which later parts may read from earlier ones by name.

    A part that reads from one without rows writes nothing and calls no function.

    Args:
        answer: the final query.
        parts: the parts by name, in order.
    """
    text = _together(answer.text, tuple((name, part.text) for name, part in parts.items()))
    return SqlPart(text, [value for part in (*parts.values(), answer) for value in part.values])


@cache
def renumber(statement: str) -> str:
    """Number each `%s` as `$1`, `$2`; cached, because psycopg repeats it for long statements."""
    numbers = count(1)
    return re.sub("%s", lambda _: f"${next(numbers)}", statement)


@cache
def _together(answer: str, parts: tuple[tuple[str, str], ...]) -> str:
    # Materialized, or PostgreSQL might read two parts in another order.
    named = ", ".join(f"{name} AS MATERIALIZED ({text})" for name, text in parts)
    return f"WITH {named} {answer}"
