"""Statements on Django's connection of this thread, each with a cursor of its own.

All raise Django's database errors. Without values, a `%` in the text is only a `%`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from django.db import connection

Given: TypeAlias = "Sequence[Any] | Mapping[str, Any] | None"


def run(statement: str, values: Given = None) -> int:
    """Run a statement, and return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def first_row(statement: str, values: Given = None) -> Any:
    """Return the first row's values, or None if there is no row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def all_rows(statement: str, values: Given = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor)


def first_column(statement: str, values: Given = None) -> list[Any]:
    """Return every row's first value."""
    return [row[0] for row in all_rows(statement, values)]
