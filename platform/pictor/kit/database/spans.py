"""Sets of ids that restrict the rows a statement reads: a range, or a list.

Ids are UUIDs or whole numbers.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from pictor.kit.database.cursors import first_row


class Ids(Protocol):
    """A set of ids."""

    def of(self, column: str) -> str:
        """Return the SQL condition that a column's id is in the set; only `EVERYTHING` has NULL."""


@dataclass(frozen=True, slots=True)
class Span:
    """Ids from `first` on and below `end`; None is no limit."""

    first: UUID | int | None = None
    end: UUID | int | None = None

    def of(self, column: str) -> str:
        """Return the condition, as `Ids` requires."""
        limits = [f"{column} >= '{self.first}'"] if self.first is not None else []
        if self.end is not None:
            limits.append(f"{column} < '{self.end}'")
        return " AND ".join(limits) or "TRUE"


@dataclass(frozen=True, slots=True)
class Named:
    """The given UUIDs, and those of a span if there is one."""

    ids: Collection[UUID]
    span: Span | None = None

    def of(self, column: str) -> str:
        """Return the condition, as `Ids` requires."""
        named = f"{column} = ANY ('{{{','.join(map(str, self.ids))}}}'::uuid[])"
        return named if self.span is None else f"({named} OR {self.span.of(column)})"


EVERYTHING = Span()


def spans_from(first: UUID | int | None, *, table: str, rows: int) -> Iterator[Span]:
    """Yield a table's ids from `first` on in spans of `rows` rows; the last span has no end.

    Each span is one statement, run when the span is taken, which reads the index of ids.
    """
    while True:
        beyond = (
            f"SELECT id FROM {table} WHERE {Span(first).of('id')}"  # noqa: S608 - our own words
            " ORDER BY id OFFSET %s LIMIT 1"
        )
        row = first_row(beyond, [rows])
        end = row[0] if row else None
        yield Span(first, end)
        if end is None:
            return
        first = end
