"""A list, declared once: its table, filters, pages, CSV, and what it says if it shows nothing.

A declaration names a bounded read and typed columns. A page, a CSV file, `pictor list` and
`/ops/v1/` read the same declarations.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from console.parts.cells import Cell, Column, Row
from console.parts.exports import NARROW, Rows, csv_answer, spelled
from console.parts.filters import MAX_TEXT, PAGE_ROWS, Chip, chips_of, link_of, one_of
from console.parts.page_query import refuse
from pictor.kit.words import clock

ROWS_AT_ONCE = 500
"""Number of rows that a CSV reads at once."""
FEW_FILTERS = 5
"""The most filters that are seen before somebody asks for more."""
TICKED = "1"
Meant = TypeVar("Meant")
Choices = Sequence[tuple[str, str | Sequence[tuple[str, str]]]]
"""Words with their labels, or labels of groups with their words and labels."""


Tabs = Sequence[tuple[str, str, int]]


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A filter of a list.

    Attributes:
        label: its name on the page.
        chip: its name beside its value, if shorter.
        read: returns the meaning of a word. Raises ValueError, with the reason in a sentence.
        words: returns the words for a meaning.
        choices: returns the words to choose from; without it the filter is typed.
        every: the label of the choice of none.
        is_ticked: True if it is on or off.
        tabs: returns the words to choose from by links, each with its label and number of rows.
        example: a word that could be typed.
        suggests: returns words that are known, for one that is typed.
    """

    label: str
    chip: str = ""
    read: Callable[[str], Any] = str
    words: Callable[[Any], str] = str
    choices: Callable[["Search[Any]"], Choices] | None = None
    every: Callable[["Search[Any]"], str] | str = "All"
    is_ticked: bool = False
    tabs: Callable[["Search[Any]"], "Tabs"] | None = None
    example: str = ""
    suggests: Callable[[], Sequence[str]] | None = None

    def control(self, name: str, search: "Search[Any]") -> SafeString:
        """The control of the filter's form, as HTML."""
        attributes = {"class": "control", "id": name}
        control: forms.Widget
        if self.is_ticked:
            control = forms.CheckboxInput({"id": name, "value": TICKED})
        elif self.choices:
            every = self.every(search) if callable(self.every) else self.every
            control = forms.Select(attributes, choices=[("", every), *self.choices(search)])
        else:
            attributes |= {"maxlength": str(MAX_TEXT), "autocomplete": "off"}
            attributes |= {"list": f"{name}-known"} if self.suggests else {}
            control = forms.TextInput(attributes | {"placeholder": self.example or False})
        return control.render(name, search.typed.get(name)) + self._suggestions(name)

    def _suggestions(self, name: str) -> SafeString:
        words = self.suggests() if self.suggests else ()
        options = format_html_join("", '<option value="{}"></option>', ((word,) for word in words))
        known = format_html('<datalist id="{}-known">{}</datalist>', name, options)
        return known if words else SafeString()


def understood(read: Callable[[str], Meant | None], or_else: str) -> Callable[[str], Meant]:
    """Return a filter's `read`, which refuses what means nothing in a sentence about the word."""

    def understand(word: str) -> Meant:
        if (meant := read(word)) is None:
            raise ValueError(or_else.format(word))
        return meant

    return understand


def chosen(label: str, words: Mapping[str, str], *, groups: Choices = (), **others: Any) -> Filter:
    """A filter with these words to choose from, each with its label; shown in `groups` if given."""
    return Filter(
        label=label,
        read=understood(one_of(words), f"“{{}}” is not known as “{label}”."),
        words=words.__getitem__,
        choices=lambda _search: groups or [*words.items()],
        **others,
    )


def ticked(label: str, *, chip: str, words: str) -> Filter:
    """A filter that is on or off; `words` say what is left if it is on."""
    read = understood({TICKED: True}.get, f"“{{}}” does not tick “{label}”.")
    return Filter(label=label, chip=chip, read=read, words=lambda _: words, is_ticked=True)


@dataclass(frozen=True, slots=True)
class RowPage(Generic[Row]):
    """Some rows of a list.

    Attributes:
        after: the place in an address from which the next rows follow; "" at the end.
        searched: the number of rows looked at if the read stopped looking before the page was
            full, otherwise 0.
    """

    rows: Sequence[Row]
    after: str = ""
    searched: int = 0


@dataclass(frozen=True, slots=True)
class ListedRow(Generic[Row]):
    """A row of the table with its cells; `id` names it on the page, `choice` in a form."""

    of: Row
    id: str
    choice: str
    cells: Sequence[tuple[Column[Row], Cell]]


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[Row]):
    """The declaration of a list.

    Attributes:
        name: its name in the shell and in a file's name.
        lead: the words below its title.
        things: what its rows are, in plural.
        needs: the permission that a role must have.
        is_on: False where this installation does not have the list.
        order: the rows' order, in words that end its caption.
        query: returns what `read` takes. Raises ValueError if the filters cannot be combined,
            with the reason in a sentence.
        read: returns the page of at most so many rows after a place, "" for the first. A place
            that it does not know is the first.
        modes: the kinds of rows that are never mixed: the word of each in an address, "" for the
            usual one, and its label.
        summary: a sentence above the rows.
        empty: the title and the sentence shown while there are no rows at all.
        empty_in: the same for other modes than the usual one, if they differ.
        rest: how to get the remaining rows of a CSV that was cut.
        row_id: the id of a row on the page.
        choice: the value of a row's checkbox; empty if the row cannot be chosen.
        leads_to: the page to show instead, of a search that names one thing; empty if none.
        is_polled: True if an open page reads itself again.
        template: its page, which extends the template of all lists.
        cell_template: the template of its cells, for those that a `Cell` cannot say.
    """

    name: str
    title: str
    lead: Callable[["Search[Row]"], str] | str
    things: str
    needs: str
    is_on: Callable[[], bool] = lambda: True
    order: str
    query: Callable[["Search[Row]"], Any] = lambda search: search.meant
    read: Callable[[Any, str, int], RowPage[Row]]
    columns: Sequence[Column[Row]]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    summary: Callable[["Search[Row]"], str] = lambda _search: ""
    empty: tuple[str, str]
    empty_in: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rest: str = NARROW
    row_id: Callable[[Row], str] = lambda _row: ""
    choice: Callable[[Row], str] = lambda _row: ""
    leads_to: Callable[["Search[Row]"], str] = lambda _search: ""
    is_polled: bool = False
    template: str = "parts/listing.html"
    cell_template: str = "parts/listing_cell.html"

    @property
    def names(self) -> list[str]:
        """The names of the CSV's columns."""
        return [name for column in self.columns for name in column.csv]

    def answer(
        self, request: HttpRequest, base: str, context: Mapping[str, object]
    ) -> HttpResponseBase:
        """Return the page that the address asks for, in the frame `base`, or its CSV."""
        search = Search(self, request.GET)
        for name, why in search.refused.items():
            refuse(request.GET, name, why)
        if page := self.leads_to(search):
            return redirect(page)
        if request.GET.get("format") == "csv":
            if search.refusal:
                refuse(request.GET, "", search.refusal)
            return csv_answer(f"{self.name}.csv", self.names, self.lines(search), rest=self.rest)
        after = request.GET.get("after", "")[:MAX_TEXT]
        found = search.found(after, PAGE_ROWS)
        rows = [self.listed(row, can_choose=not search.troubles) for row in found.rows]
        shown = {
            "base": base,
            "listing": self,
            "search": search,
            "columns": [column for column in self.columns if column.cell],
            "rows": rows,
            "can_choose": any(row.choice for row in rows),
            "searched": found.searched,
            "lead": self.lead(search) if callable(self.lead) else self.lead,
            "summary": self.summary(search),
            "empty": self.empty_in.get(search.mode, self.empty),
            "cleared": link_of({"mode": search.mode}),
            "at": clock.now(),
            "newest": search.link() if after else "",
            "older": search.link(after=found.after) if found.after else "",
            "csv": search.link(format="csv"),
            "all": search.link(all="1"),
        }
        return render(request, self.template, {**context, **shown})

    def page(
        self, query: Mapping[str, str], *, after: str = "", limit: int
    ) -> tuple[list[dict[str, object]], str, list[str]]:
        """Return rows by the CSV's names, the place of the next ones, and what is wrong."""
        search = Search(self, query)
        found = search.found(after, limit)
        rows = [dict(zip(self.names, line, strict=True)) for line in self._lines(found.rows)]
        return rows, found.after, search.complaints

    def lines(self, search: "Search[Row]") -> Iterator[Rows]:
        """Yield the lines of the CSV, some at a time; what is wrong instead, if anything is."""
        yield [[complaint] for complaint in search.complaints]
        after: str | None = None if search.complaints else ""
        while after is not None:
            found = search.found(after, ROWS_AT_ONCE)
            yield self._lines(found.rows)
            after = found.after or None

    def listed(self, row: Row, *, can_choose: bool = True) -> ListedRow[Row]:
        """Return the row with its cells; of a list that was not meant like this none is chosen."""
        cells = [(column, column.cell_of(row)) for column in self.columns if column.cell]
        choice = self.choice(row) if can_choose else ""
        return ListedRow(row, self.row_id(row), choice, cells)

    def _lines(self, rows: Sequence[Row]) -> Rows:
        values = [value for column in self.columns for value in column.csv.values()]
        return [[spelled(value(row)) for value in values] for row in rows]


class Search(Generic[Row]):
    """The filters in an address: as typed, as understood, and what was not understood.

    Attributes:
        query: what the list's read takes; None if the filters cannot be combined.
        refusal: why they cannot; empty if they can.
    """

    def __init__(self, listing: Listing[Row], query: Mapping[str, str]) -> None:
        self.listing = listing
        word = query.get("mode", "")
        self.mode = word if word in listing.modes else ""
        self.typed: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.meant: dict[str, Any] = {}
        self.refused = dict(self._refused(query))
        self.troubles = [*self.refused.values()]
        self.query: Any = None
        self.refusal = ""
        try:
            self.query = listing.query(self)
        except ValueError as error:
            self.refusal = str(error)

    def _refused(self, query: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for name, known in self.listing.filters.items():
            word = query.get(name, "").replace("\0", "").strip()[:MAX_TEXT]
            if not word:
                continue
            self.typed[name] = word
            try:
                self.meant[name] = known.read(word)
            except ValueError as error:
                yield name, str(error)
            else:
                self.texts[name] = word

    @property
    def complaints(self) -> list[str]:
        """All that is wrong with the filters, in sentences."""
        return [*self.troubles, *filter(None, [self.refusal])]

    def found(self, after: str, limit: int) -> RowPage[Row]:
        """Return a page of rows; none if the filters cannot be combined."""
        return RowPage([]) if self.refusal else self.listing.read(self.query, after, limit)

    def link(self, **others: str) -> str:
        """Return the address of the list with these filters and any others that are not empty."""
        return link_of(self.texts, **{"mode": self.mode, **others})

    @property
    def modes(self) -> list[Chip]:
        modes = self.listing.modes.items()
        return [Chip(self.link(mode=mode), words, mode == self.mode) for mode, words in modes]

    @cached_property
    def controls(self) -> Sequence[Sequence[tuple[str, Filter, SafeString]]]:
        """Each filter's name, the filter, and its control: the first few, and the rest."""
        named = self.listing.filters.items()
        controls = [(name, of, of.control(name, self)) for name, of in named if not of.tabs]
        return controls[:FEW_FILTERS], controls[FEW_FILTERS:]

    @cached_property
    def tabs(self) -> list[Chip]:
        return [
            Chip(self.link(**{name: word}), label, word == self.texts.get(name, ""), number)
            for name, known in self.listing.filters.items()
            if known.tabs
            for word, label, number in known.tabs(self)
        ]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form sends besides its controls: the mode and the tab."""
        filters = self.listing.filters.items()
        tabs = [(name, self.texts.get(name, "")) for name, known in filters if known.tabs]
        return [(name, word) for name, word in [("mode", self.mode), *tabs] if word]

    @cached_property
    def chips(self) -> list[tuple[str, str, str]]:
        """Each active filter's label, its value in words, and a link without it."""
        filters = self.listing.filters
        labels = {name: known.chip or known.label for name, known in filters.items()}
        return chips_of(
            self.texts,
            labels,
            lambda name, _: filters[name].words(self.meant[name]),
            mode=self.mode,
        )
