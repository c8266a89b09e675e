"""What tables and lists of facts show: cells, columns, and facts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from typing_extensions import override

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell of the table shows.

    Attributes:
        text: its words; with `badge`, in the colour of that state.
        href: the page that the words lead to.
        note: a second, smaller line.
        at: a time, shown by its distance instead of `text`.
        is_code: True if the words are an id or the like.
        tone: "warn" or "bad" if the words need attention.
    """

    text: str = ""
    href: str = ""
    note: str = ""
    badge: str = ""
    at: datetime | None = None
    is_code: bool = False
    tone: str = ""

    @override
    def __str__(self) -> str:
        words = self.at.isoformat(timespec="seconds") if self.at else self.text
        return ", ".join(filter(None, (words, self.note)))


@dataclass(frozen=True, kw_only=True)
class Column(Generic[Row]):
    """A column of the table, of the CSV, or of both.

    Attributes:
        title: its heading in the table.
        cell: its cell in the table; without one it is only in the CSV.
        csv: its columns in the CSV: the name and the value of each.
        is_number: True if its cells are aligned to the right.
        place: "lead" or "actions" if its cells stand in the head of a row on a phone.
    """

    title: str = ""
    cell: Callable[[Row], Cell | str] | None = None
    csv: Mapping[str, Callable[[Row], object]] = field(default_factory=dict)
    is_number: bool = False
    place: str = ""

    def cell_of(self, row: Row) -> Cell:
        cell = self.cell(row) if self.cell else ""
        return Cell(cell) if isinstance(cell, str) else cell


def number_column(
    title: str,
    name: str,
    value: Callable[[Row], Any],
    *,
    shown: Callable[[Any], str] = "{:,}".format,
    csv: Callable[[Any], object] = lambda number: number,
    place: str = "",
) -> Column[Row]:
    """A column of numbers: as `shown` in the table, and as `csv` in the CSV, by this name."""
    return Column(
        title=title,
        cell=lambda row: shown(value(row)),
        csv={name: lambda row: csv(value(row))},
        is_number=True,
        place=place,
    )


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known about a thing: a label with its cells; of `is_code` each can be copied."""

    label: str
    cells: Sequence[Cell]


def fact(label: str, text: str, href: str = "", **more: Any) -> Fact:
    """A fact of one cell."""
    return Fact(label, [Cell(text, href, **more)])
