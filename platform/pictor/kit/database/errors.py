"""What an error of the database may say in a log: the server's own words, never a row's values.

PostgreSQL adds to its message the row at fault (DETAIL, CONTEXT) or the statement (LINE), and our
statements hold a prompt. Messages about a value or about the text of a statement quote it too.
"""

import re
from collections.abc import Iterator

import django.db
import psycopg

_QUOTING = ("22", "42601")
"""SQLSTATEs, or how they begin, whose message quotes what was sent: bad data, bad syntax."""

_ADDED = re.compile(
    r"(?:\r?\n|\\n)[ |]*(?:DETAIL|CONTEXT|HINT|QUERY|STATEMENT|LINE \d+):.*", re.DOTALL
)


_ABSENT = frozenset({"42P01", "42703", "42883", "3F000"})
"""SQLSTATEs: no such table, column, function or schema."""


def is_unmigrated(error: django.db.Error) -> bool:
    """Whether the database has not what our migrations make, or not all of it."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.sqlstate in _ABSENT


def is_duplicate(error: django.db.IntegrityError) -> bool:
    """Whether a row was refused because there is one like it: somebody else's, a moment ago."""
    return isinstance(error.__cause__, psycopg.errors.UniqueViolation)


def is_locked(error: django.db.OperationalError) -> bool:
    """Whether somebody else held a lock for longer than we wait."""
    return isinstance(error.__cause__, psycopg.errors.LockNotAvailable)


def without_values(text: str, *errors: BaseException | None) -> str:
    """The text, in which these errors or their causes may be rendered, without the values."""
    for error in {id(one): one for start in errors for one in _chain(start)}.values():
        if not isinstance(error, psycopg.Error | django.db.Error):
            continue
        told = str(error)
        if said := told.strip():
            short = _short(error)
            lines = r"\n[ |]*".join(re.escape(line) for line in said.split("\n"))
            text = short.join(re.split(lines, text))
            text = text.replace(repr(told)[1:-1], short)
    return text


def cut_short(message: str) -> str:
    """A message that has a database error's text in it, up to what the server added."""
    return _ADDED.sub("", message)


def _short(error: BaseException) -> str:
    server = error if isinstance(error, psycopg.Error) else error.__cause__
    state = server.sqlstate if isinstance(server, psycopg.Error) else None
    if state is not None and state.startswith(_QUOTING):
        return f"SQLSTATE {state}"
    return cut_short(str(error)).strip()


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and all that a traceback shows with it."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
