"""Rows of any number, read some at a time.

A cursor that outlives its transaction is filled as a whole before its first row, which for a large
tenant takes longer than a statement may; pages of an index take what each page takes.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

PAGE_ROWS = 500
_Row = TypeVar("_Row")


def in_pages(rows: "QuerySet[Any, _Row]", *, by: str = "id") -> Iterator[_Row]:
    """The rows, or what `values` makes of them, by a column without repetitions, each row once.

    Rows that are changed meanwhile are neither left out nor met twice.
    """
    ordered = rows.order_by(by)
    page = list(ordered[:PAGE_ROWS])
    while page:
        last: Any = page[-1]
        after = getattr(last, by) if isinstance(last, Model) else last[by]
        yield from page
        page = list(ordered.filter(**{f"{by}__gt": after})[:PAGE_ROWS])
