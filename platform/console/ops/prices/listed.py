"""The list of price books: scheduled, in force, drafts and past ones."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing.models import PriceBook
from billing.selectors import decided_by, numbers_of, price_books, taken_over
from billing.selectors.price_books import CURRENT
from console.ops.access import May, Operator, modes_of, staff
from console.ops.prices.shown import BADGES, Shown
from console.parts.exports import Rows, csv_answer
from console.parts.filters import MAX_TEXT, link_of
from console.parts.periods import number_of
from pictor.kit.words import clock

PAGE = 50
COLUMNS = (
    "book", "tenant", "list", "state", "begins", "published", "by", "markup", "prices",
)  # fmt: skip
_PLACES = {state: place for place, state in enumerate(BADGES)}


@staff(May.SEE)
@require_safe
def listing(request: HttpRequest, operator: Operator) -> HttpResponseBase:
    """List the books that match the filters: scheduled ones first, past ones last."""
    now = clock.now()
    text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    books = sorted(price_books(now, text=text), key=lambda one: _PLACES[one.state])
    show = request.GET.get("show", "")
    chosen = [one for one in books if show not in BADGES or one.state == show]
    if request.GET.get("format") == "csv":
        return csv_answer("prices.csv", COLUMNS, [_cells(_shown(chosen))])
    said = {"q": text, "show": show if show in BADGES else "", "mode": operator.mode.said}
    page, older = _page(chosen, number_of(request.GET.get("after", "")))
    context = {
        "operator": operator,
        "rows": _shown(page),
        "has_any": bool(books) or bool(text),
        "current": any(one.state == CURRENT and one.tenant_id is None for one in books),
        "chips": _chips(books, said),
        "modes": modes_of(operator, q=text, show=said["show"]),
        "said": said,
        "back": taken_over(now),
        "newest": link_of(said) if request.GET.get("after") else "",
        "older": link_of(said, after=str(older)) if older else "",
        "csv": link_of(said, format="csv"),
    }
    return render(request, "ops/prices.html", context)


def _shown(books: Sequence[PriceBook]) -> list[Shown]:
    named = [one.id for one in books]
    events, numbers = decided_by(named), numbers_of(named)
    return [Shown(one, events.get(one.id), numbers.get(one.id, 0)) for one in books]


def _chips(books: Sequence[PriceBook], said: dict[str, str]) -> list[tuple[str, str, int, bool]]:
    words = {"": "All", **{state: word for state, (_, word) in BADGES.items()}}
    counts = {state: sum(one.state == state for one in books) for state in BADGES}
    return [
        (
            link_of(said, show=state),
            word,
            counts[state] if state else len(books),
            said["show"] == state,
        )
        for state, word in words.items()
    ]


def _page(books: Sequence[PriceBook], after: int | None) -> tuple[Sequence[PriceBook], int | None]:
    """Return the page after the book with that id, and the id to continue from, if any."""
    places = {one.id: place for place, one in enumerate(books, start=1)}
    begin = places.get(after, 0) if after else 0
    page = books[begin : begin + PAGE]
    return page, page[-1].id if begin + PAGE < len(books) else None


def _cells(rows: Sequence[Shown]) -> Rows:
    return [
        [
            one.book.known_as, one.tenant.public_id if one.tenant else "",
            one.book.list_name or "",
            one.state, one.book.effective_from.isoformat(),
            one.book.published_at.isoformat() if one.book.published_at else "", one.by,
            f"{one.book.markup.normalize():f}", one.number,
        ]
        for one in rows
    ]  # fmt: skip
