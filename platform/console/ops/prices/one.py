"""One price book: a grid for each model, with the margin of each price."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.models import AuditEvent
from billing import price_csv
from billing.models import PriceBook
from billing.price_rows import PriceKey
from billing.selectors import DRAFT, coming, decided_for, last_of, rows_of
from billing.selectors.office.repricing import (
    costs_in_force,
    latest_events,
    published_since_drafted,
    rows_on_offer,
    sold_by_cell,
)
from billing.selectors.office.sold import Margin, sold_until
from console.ops.access import Mode, Operator, Permission, done, modes_of, rendered, staff
from console.ops.prices.grid import Grid, Model, grid_of, matching, models_of
from console.ops.shown_prices import ShownBook, book_or_404
from console.parts.filters import MAX_TEXT, link_of
from pictor.kit.words import clock
from pictor.kit.words.money import Micros


@staff(Permission.SEE)
def book(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    """Show the prices of one model, or of a search; a draft's prices can be changed."""
    return page(request, operator, book_or_404(book))


@staff(Permission.SEE)
def current(request: HttpRequest, operator: Operator) -> HttpResponse:
    decided = decided_for(None)
    present = last_of(decided, None, clock.now())
    if present is None:
        return redirect("ops:prices")
    return page(request, operator, book_or_404(present.pk), decided=decided)


def page(
    request: HttpRequest,
    operator: Operator,
    book: PriceBook,
    complaint: str = "",
    *,
    decided: Sequence[PriceBook] | None = None,
) -> HttpResponse:
    """Render a book, with everything that was typed on its page if it was sent.

    `decided` are its owner's decided books, if they were read already.
    """
    query = request.POST or request.GET
    text = query.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
    sold: Mapping[PriceKey, Margin] = {}
    costs: Mapping[PriceKey, Micros] = {}
    if operator.mode != Mode.TEST:  # tests sell nothing
        sold = sold_by_cell(clock.now(), is_demo=operator.is_demo)
        costs = costs_in_force(clock.now())
    chosen = query.get("model", "")
    models = models_of(rows_on_offer(book, chosen), book, sold, costs, request.POST)
    model = next((model for model in models if chosen in {"", model.name}), None)
    filters = {"mode": operator.mode.query, "model": chosen, "q": text}
    told = latest_events(book)
    context = {
        "shown": ShownBook(book, told.get("price_book.publish") or told.get("price_book.draft")),
        "chips": _chips(models, model if not text else None, filters),
        "modes": modes_of(operator, model=chosen, q=text),
        "query": filters,
        "until": sold_until(),
        "complaint": complaint,
        "typed": request.POST,
        "base": reverse("ops:price_book", args=[book.pk]) if request.POST else request.path,
        **_prices(models, model, text),
        **_standing(book, operator, decided, told.get("price_book.prices")),
    }
    return rendered(request, operator, "ops/price_book.html", context, refused=complaint)


def back(request: HttpRequest, operator: Operator, book: PriceBook, words: str) -> HttpResponse:
    """Redirect from a form of a book to the prices that it was sent from, and show `words`."""
    answer = done(request, words, "price_book", str(book.pk))
    kept = {"mode": operator.mode.query, "model": request.POST.get("model", "").strip()}
    if any(kept.values()):
        answer["Location"] += link_of(kept)
    return answer


def _chips(
    models: list[Model], chosen: Model | None, filters: dict[str, str]
) -> list[tuple[str, str, int, bool]]:
    return [
        (link_of({**filters, "q": ""}, model=model.name), model.name, model.images, model is chosen)
        for model in models
    ]


def _prices(models: list[Model], model: Model | None, text: str) -> dict[str, Any]:
    grid: Grid | None = None
    matches = matching(models, text) if text else []
    if model is not None and not text:
        grid = grid_of(model)
    cells = [cell for model in models for cell in model.cells]
    number = sum(not cell.is_empty for cell in cells)
    return {"grid": grid, "found": matches, "number": number, "has_rows": bool(cells)}


def _standing(
    book: PriceBook,
    operator: Operator,
    decided: Sequence[PriceBook] | None,
    repriced: AuditEvent | None,
) -> dict[str, Any]:
    """Return the actions on the book, and the books decided since or scheduled after it."""
    is_draft = book.state == DRAFT
    books = decided_for(book.tenant_id) if decided is None else decided
    last = repriced if is_draft else None
    return {
        "is_draft": is_draft,
        "is_edited": is_draft and Permission.MONEY in operator.may,
        "last": last,
        "last_number": len({**(last.before or {}), **(last.after or {})}) if last else 0,
        "overtaken": published_since_drafted(book, books) if is_draft else [],
        "later": coming(books, book.tenant_id, max(book.effective_from, clock.now()))
        if book.published_at
        else [],
    }


@staff(Permission.SEE)
def download(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    """Download the prices as CSV, in the format of the upload."""
    del request, operator
    found = book_or_404(book)
    answer = HttpResponse(price_csv.to_csv(rows_of(found)), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="prices-{found.pk}.csv"'
    return answer
