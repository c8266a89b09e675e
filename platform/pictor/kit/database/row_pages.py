"""Large results read page by page.

PostgreSQL fills a cursor that outlives its transaction before the first row, which for a large
tenant exceeds the statement timeout. A page by index costs only its own rows.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

PAGE_ROWS = 500
_Row = TypeVar("_Row")


def in_pages(rows: "QuerySet[Any, _Row]", *, by: str = "id") -> Iterator[_Row]:
    """Yield each row (or its `values`) once, ordered by a unique column.

    Rows that change meanwhile are neither skipped nor repeated.
    """
    ordered = rows.order_by(by)
    page = list(ordered[:PAGE_ROWS])
    while page:
        last: Any = page[-1]
        after = getattr(last, by) if isinstance(last, Model) else last[by]
        yield from page
        page = list(ordered.filter(**{f"{by}__gt": after})[:PAGE_ROWS])
