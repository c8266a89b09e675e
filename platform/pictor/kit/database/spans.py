"""Which rows a statement reads, by their ids: a range of them, or some by name.

Ids are UUIDs or whole numbers.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from django.db import connection


class Ids(Protocol):
    """Some ids."""

    def of(self, column: str) -> str:
        """SQL, the condition that a column's id is among them; NULL is in `EVERYTHING` alone."""


@dataclass(frozen=True, slots=True)
class Span:
    """Ids from `first` on and below `end`, without a limit where that is None."""

    first: UUID | int | None = None
    end: UUID | int | None = None

    def of(self, column: str) -> str:
        """As `Ids`."""
        limits = [f"{column} >= '{self.first}'"] if self.first is not None else []
        if self.end is not None:
            limits.append(f"{column} < '{self.end}'")
        return " AND ".join(limits) or "TRUE"


@dataclass(frozen=True, slots=True)
class Named:
    """These UUIDs, and those of a span where there is one."""

    ids: Collection[UUID]
    span: Span | None = None

    def of(self, column: str) -> str:
        """As `Ids`."""
        named = f"{column} = ANY ('{{{','.join(map(str, self.ids))}}}'::uuid[])"
        return named if self.span is None else f"({named} OR {self.span.of(column)})"


EVERYTHING = Span()


def spans_from(first: UUID | int | None, *, table: str, rows: int) -> Iterator[Span]:
    """A table's ids from `first` on, in spans of so many rows; the last one has no end.

    Each is cut when it is asked for: one statement, which reads the index of the ids.
    """
    while True:
        beyond = (
            f"SELECT id FROM {table} WHERE {Span(first).of('id')}"  # noqa: S608 - our own words
            " ORDER BY id OFFSET %s LIMIT 1"
        )
        with connection.cursor() as cursor:
            cursor.execute(beyond, [rows])
            row = cursor.fetchone()
        end = row[0] if row else None
        yield Span(first, end)
        if end is None:
            return
        first = end
