"""Errors of the database are logged without the values that they quote."""

import json
import logging
from collections.abc import Callable

import pytest
from django.db import Error, connection, transaction

from pictor.kit.watching.log import LineFormatter

PROMPT = "a marsh\nharrier\\ at 'dawn'"

pytestmark = pytest.mark.django_db


def fail(sql: str, *values: str) -> Error:
    """The error of a statement, as a caller of Django's sees it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE drawn (prompt text PRIMARY KEY, n int CHECK (n > 0))")
            cursor.execute("INSERT INTO drawn VALUES (%s, 1)", [PROMPT])
            cursor.execute(sql, values)
    except Error as error:
        return error
    raise AssertionError(sql)


STATEMENTS = [
    ("INSERT INTO drawn VALUES (%s, 2)", "duplicate key value violates unique constraint"),
    ("INSERT INTO drawn VALUES (%s || '!', 0)", "violates check constraint"),
    ("INSERT INTO drawn SELECT '', CAST(%s AS int)", "SQLSTATE 22P02"),
    ("INSERT INTO drawn VALEUS (%s)", "SQLSTATE 42601"),
    ("INSERT INTO missing VALUES (%s)", 'relation "missing" does not exist'),
]


def as_traceback(error: Error) -> logging.LogRecord:
    return record("failed", exc_info=(type(error), error, error.__traceback__))


def as_group(error: Error) -> logging.LogRecord:
    group = ExceptionGroup("several", [ValueError("x"), error])
    return record("failed", exc_info=(type(group), group, None))


def as_cause(error: Error) -> logging.LogRecord:
    late = RuntimeError(f"not kept: {error}")
    late.__cause__ = error
    return record("failed: %r", late, exc_info=(type(late), late, None))


def as_argument(error: Error) -> logging.LogRecord:
    return record("failed: %s", error)


def as_repr(error: Error) -> logging.LogRecord:
    return record("failed: %r", error)


def record(message: str, *arguments: object, exc_info: object = None) -> logging.LogRecord:
    made = logging.LogRecord("one", logging.ERROR, "f.py", 1, message, arguments, None)
    made.exc_info = exc_info  # type: ignore[assignment] # one of a group has no traceback
    return made


@pytest.mark.parametrize("made", [as_traceback, as_group, as_cause, as_argument, as_repr])
@pytest.mark.parametrize(("sql", "said"), STATEMENTS)
def test_a_line_says_what_failed_without_the_row_or_the_statement(
    made: Callable[[Error], logging.LogRecord], sql: str, said: str
) -> None:
    line = LineFormatter().format(made(fail(sql, PROMPT)))

    found = json.loads(line)
    assert said in found["message"] + found.get("error", "")
    assert "harrier" not in line
    assert "dawn" not in line


def test_an_error_s_text_in_a_message_ends_where_the_values_begin() -> None:
    error = fail("INSERT INTO drawn VALUES (%s || '!', 0)", PROMPT)

    line = LineFormatter().format(record(f"failed: {error}"))

    assert "violates check constraint" in line
    assert "harrier" not in line
