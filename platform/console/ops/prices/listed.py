"""The list of price books: scheduled, in force, drafts and past ones."""

from collections.abc import Mapping, Sequence

from django.http import HttpRequest, HttpResponseBase

from billing.selectors.office.book_lists import all_books, book_page
from console.ops.access import Operator, Permission, modes_of, rendered, staff
from console.ops.shown_prices import BADGES, ShownBook
from console.parts.exports import Rows, csv_answer
from console.parts.filters import MAX_TEXT, PAGE_ROWS, Chip, link_of
from console.parts.page_query import word_of
from console.parts.periods import number_of
from pictor.kit.words import clock

COLUMNS = (
    "book", "tenant", "list", "state", "begins", "published", "by", "markup", "prices",
)  # fmt: skip


@staff(Permission.SEE)
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List the books that match the filters: scheduled ones first, past ones last."""
    now = clock.now()
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    show = word_of(request.GET, "show", BADGES)
    if request.GET.get("format") == "csv":
        pages = (
            _cells([ShownBook(*book) for book in books]) for books in all_books(text, show, now)
        )
        return csv_answer("prices.csv", COLUMNS, pages)
    filters = {"q": text, "show": show, "mode": operator.mode.query}
    after = number_of(request.GET.get("after", ""))
    page = book_page(text, show, now, after=after, limit=PAGE_ROWS)
    context = {
        "rows": [ShownBook(*book) for book in page.books],
        "has_any": any(page.numbers.values()) or bool(text),
        "current": page.is_any_current,
        "chips": _chips(page.numbers, filters),
        "modes": modes_of(operator, q=text, show=show),
        "query": filters,
        "back": page.replaced,
        "newest": link_of(filters) if request.GET.get("after") else "",
        "older": link_of(filters, after=str(page.last)) if page.last else "",
        "csv": link_of(filters, format="csv"),
    }
    return rendered(request, operator, "ops/prices.html", context)


def _chips(numbers: Mapping[str, int], filters: dict[str, str]) -> list[Chip]:
    words = {"": "All", **{state: word for state, (_, word) in BADGES.items()}}
    counts = {"": sum(numbers.values()), **numbers}
    return [
        Chip(link_of(filters, show=state), word, filters["show"] == state, counts[state])
        for state, word in words.items()
    ]


def _cells(rows: Sequence[ShownBook]) -> Rows:
    return [
        [
            row.book.known_as, row.tenant.public_id if row.tenant else "",
            row.book.list_name or "",
            row.state, row.book.effective_from, row.book.published_at, row.by,
            f"{row.book.markup.normalize():f}", row.number,
        ]
        for row in rows
    ]  # fmt: skip
