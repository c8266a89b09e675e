"""A list, declared once: its table, filters, pages, CSV, and what it says if it shows nothing.

A declaration names a bounded read and typed columns; `answer` makes a page or a CSV file of it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import render
from django.utils.functional import cached_property

from console.parts.exports import Rows, csv_answer
from console.parts.filters import MAX_TEXT, PAGE_ROWS, chips_of, link_of

ROWS_AT_ONCE = 500
"""Number of rows that a CSV reads at once."""
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell of the table shows.

    Attributes:
        text: its words; with `badge`, in the colour of that state.
        href: the page that the words lead to.
        note: a second, smaller line.
        at: a time, shown by its distance instead of `text`.
    """

    text: str = ""
    href: str = ""
    note: str = ""
    badge: str = ""
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Column(Generic[Row]):
    """A column of the table, of the CSV, or of both.

    Attributes:
        title: its heading in the table.
        cell: its cell in the table; without one it is only in the CSV.
        csv: its columns in the CSV: the name and the value of each.
        is_number: True if its cells are aligned to the right.
    """

    title: str = ""
    cell: Callable[[Row], Cell | str] | None = None
    csv: Mapping[str, Callable[[Row], object]] = field(default_factory=dict)
    is_number: bool = False

    def cell_of(self, row: Row) -> Cell:
        """The cell of a row of the table."""
        cell = self.cell(row) if self.cell else ""
        return Cell(cell) if isinstance(cell, str) else cell


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A filter of a list.

    Attributes:
        label: its name on the page.
        read: returns the meaning of a word. Raises ValueError, with the reason in a sentence.
        words: returns the words for a meaning.
        choices: the words to choose from, each with its label; a filter without any is typed.
    """

    label: str
    read: Callable[[str], Any]
    words: Callable[[Any], str] = str
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class RowPage(Generic[Row]):
    """Some rows, and the place in an address from which the next ones follow; "" at the end."""

    rows: Sequence[Row]
    after: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[Row]):
    """The declaration of a list.

    Attributes:
        name: its name in a file's name.
        read: returns the page of at most so many rows after a place, "" for the first, that match
            the filters' meanings. A place that it does not know is the first.
        order: the rows' order, in words that end its caption.
        empty: the title and the sentence shown while there are no rows at all.
    """

    name: str
    title: str
    lead: str
    order: str
    read: Callable[[Mapping[str, Any], str, int], RowPage[Row]]
    columns: Sequence[Column[Row]]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    empty: tuple[str, str]

    def answer(
        self, request: HttpRequest, base: str, context: Mapping[str, object]
    ) -> HttpResponseBase:
        """Return the page that the address asks for, in the frame `base`, or its CSV."""
        search = Search(self, request.GET)
        if request.GET.get("format") == "csv":
            names = [name for column in self.columns for name in column.csv]
            return csv_answer(f"{self.name}.csv", names, self._csv(search))
        after = request.GET.get("after", "")[:MAX_TEXT]
        found = self.read(search.meant, after, PAGE_ROWS)
        shown = [column for column in self.columns if column.cell]
        return render(
            request,
            "parts/listing.html",
            {
                **context,
                "base": base,
                "listing": self,
                "search": search,
                "columns": shown,
                "rows": [[(column, column.cell_of(row)) for column in shown] for row in found.rows],
                "newest": link_of(search.texts) if after else "",
                "older": link_of(search.texts, after=found.after) if found.after else "",
                "csv": link_of(search.texts, format="csv"),
            },
        )

    def _csv(self, search: "Search[Row]") -> Iterator[Rows]:
        found = self.read(search.meant, "", ROWS_AT_ONCE)
        yield self._lines(found.rows)
        while found.after:
            found = self.read(search.meant, found.after, ROWS_AT_ONCE)
            yield self._lines(found.rows)

    def _lines(self, rows: Sequence[Row]) -> Rows:
        values = [value for column in self.columns for value in column.csv.values()]
        return [[value(row) for value in values] for row in rows]


class Search(Generic[Row]):
    """The filters in an address: as typed, as understood, and what was not understood."""

    def __init__(self, listing: Listing[Row], query: QueryDict) -> None:
        self.texts: dict[str, str] = {}
        self.meant: dict[str, Any] = {}
        self.troubles: list[str] = []
        self._listing = listing
        for name, known in listing.filters.items():
            word = query.get(name, "").replace("\0", "").strip()[:MAX_TEXT]
            if not word:
                continue
            try:
                self.meant[name] = known.read(word)
            except ValueError as error:
                self.troubles.append(str(error))
            else:
                self.texts[name] = word

    @cached_property
    def fields(self) -> list[tuple[str, Filter, str]]:
        """Each filter's name, the filter, and what was typed."""
        named = self._listing.filters.items()
        return [(name, known, self.texts.get(name, "")) for name, known in named]

    @cached_property
    def chips(self) -> list[tuple[str, str, str]]:
        """Each active filter's label, its value in words, and a link without it."""
        filters = self._listing.filters
        labels = {name: known.label for name, known in filters.items()}
        return chips_of(self.texts, labels, lambda name, _: filters[name].words(self.meant[name]))
