"""The list of price books: scheduled, in force, drafts and past ones."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.models import PriceBook
from billing.selectors import (
    all_books,
    book_in_force,
    book_page,
    decided_by,
    numbers_by_state,
    numbers_of,
    taken_over,
)
from console.ops.access import Operator, Permission, modes_of, staff
from console.ops.prices.shown import BADGES, ShownBook
from console.parts.exports import Rows, csv_answer
from console.parts.filters import MAX_TEXT, PAGE_ROWS, link_of
from console.parts.periods import number_of
from pictor.kit.words import clock

COLUMNS = (
    "book", "tenant", "list", "state", "begins", "published", "by", "markup", "prices",
)  # fmt: skip


@staff(Permission.SEE)
@require_safe
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List the books that match the filters: scheduled ones first, past ones last."""
    now = clock.now()
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    show = request.GET.get("show", "")
    show = show if show in BADGES else ""
    if request.GET.get("format") == "csv":
        pages = (_cells(_shown_books(page)) for page in all_books(text, show, now))
        return csv_answer("prices.csv", COLUMNS, pages)
    filters = {"q": text, "show": show, "mode": operator.mode.query}
    after = number_of(request.GET.get("after", ""))
    books = book_page(text, show, now, after=after, limit=PAGE_ROWS + 1)
    numbers = numbers_by_state(text, now)
    context = {
        "operator": operator,
        "rows": _shown_books(books[:PAGE_ROWS]),
        "has_any": any(numbers.values()) or bool(text),
        "current": book_in_force(None, now) is not None,
        "chips": _chips(numbers, filters),
        "modes": modes_of(operator, q=text, show=show),
        "query": filters,
        "back": taken_over(now),
        "newest": link_of(filters) if request.GET.get("after") else "",
        "older": link_of(filters, after=str(books[PAGE_ROWS - 1].id)) if books[PAGE_ROWS:] else "",
        "csv": link_of(filters, format="csv"),
    }
    return render(request, "ops/prices.html", context)


def _shown_books(books: Sequence[PriceBook]) -> list[ShownBook]:
    named = [book.id for book in books]
    events, numbers = decided_by(named), numbers_of(named)
    return [ShownBook(book, events.get(book.id), numbers.get(book.id, 0)) for book in books]


def _chips(numbers: Mapping[str, int], filters: dict[str, str]) -> list[tuple[str, str, int, bool]]:
    words = {"": "All", **{state: word for state, (_, word) in BADGES.items()}}
    counts = {"": sum(numbers.values()), **numbers}
    return [
        (link_of(filters, show=state), word, counts[state], filters["show"] == state)
        for state, word in words.items()
    ]


def _cells(rows: Sequence[ShownBook]) -> Rows:
    return [
        [
            row.book.known_as, row.tenant.public_id if row.tenant else "",
            row.book.list_name or "",
            row.state, row.book.effective_from.isoformat(),
            row.book.published_at.isoformat() if row.book.published_at else "", row.by,
            f"{row.book.markup.normalize():f}", row.number,
        ]
        for row in rows
    ]  # fmt: skip
