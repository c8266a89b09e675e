"""Database errors for the log: the server's own words without a row's values.

PostgreSQL adds the row at fault (DETAIL, CONTEXT) or the statement (LINE) to its message, and our
statements hold prompts. Messages about a value or a statement's text quote it too.
"""

import re
from collections.abc import Iterator

import django.db
import psycopg

_QUOTING = ("22", "42601")
"""Beginnings of SQLSTATEs whose message quotes the statement's data or text."""

_ADDED = re.compile(
    r"(?:\r?\n|\\n)[ |]*(?:DETAIL|CONTEXT|HINT|QUERY|STATEMENT|LINE \d+):.*", re.DOTALL
)


_ABSENT = frozenset({"42P01", "42703", "42883", "3F000"})
"""SQLSTATEs: no such table, column, function or schema."""


def is_unmigrated(error: django.db.Error) -> bool:
    """True if the error comes from a table, column or function not yet migrated."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.sqlstate in _ABSENT


def is_duplicate(error: django.db.IntegrityError) -> bool:
    """True if a row was refused as a duplicate of one that another writer inserted."""
    return isinstance(error.__cause__, psycopg.errors.UniqueViolation)


def is_locked(error: django.db.OperationalError) -> bool:
    """True if another transaction held a lock for longer than we wait."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def without_values(text: str, *errors: BaseException | None) -> str:
    """Return the text with every rendering of these errors and their causes rid of values."""
    for error in {id(error): error for start in errors for error in _chain(start)}.values():
        if not isinstance(error, psycopg.Error | django.db.Error):
            continue
        message = str(error)
        if stripped := message.strip():
            short = _short(error)
            # The traceback of an exception group has bars before each line.
            lines = r"\n[ |]*".join(re.escape(line) for line in stripped.split("\n"))
            text = short.join(re.split(lines, text))
            text = text.replace(repr(message)[1:-1], short)
    return text


def cut_short(message: str) -> str:
    """Return a message that contains a database error, without the server's additions."""
    return _ADDED.sub("", message)


def _short(error: BaseException) -> str:
    server = error if isinstance(error, psycopg.Error) else error.__cause__
    state = server.sqlstate if isinstance(server, psycopg.Error) else None
    if state is not None and state.startswith(_QUOTING):
        return f"SQLSTATE {state}"
    return cut_short(str(error)).strip()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and every other one that its traceback shows."""
    waiting, seen = [error], set[int]()
    while waiting:
        waited = waiting.pop()
        if waited is None or id(waited) in seen:
            continue
        seen.add(id(waited))
        yield waited
        waiting += [waited.__cause__, waited.__context__]
        if isinstance(waited, BaseExceptionGroup):
            waiting += waited.exceptions
