"""Change prices of a draft: typed, or by one operation on many; shown before saving."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from billing.models import PriceBook
from billing.price_rows import BookRow, PriceKey
from billing.repricing import Repriced, RowChange, operation, reprice, reprice_by_hand
from billing.selectors.office.repricing import known_costs, rows_on_offer
from billing.services.office.repricing import change_prices, check_plan, undo_prices
from console.ops.access import FORM, POST, Operator, Permission, by, rendered, staff
from console.ops.prices.grid import PRICE
from console.ops.prices.one import back, page
from console.ops.shown_prices import MAX_SHOWN_ROWS, book_or_404, words_of
from console.parts.periods import number_of
from console.parts.sentences import counted
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, scale_half_up

BOOK, MODEL, TICKED = "book", "model", "ticked"
"""Prices that an operation applies to."""

Costs = Callable[[PriceKey], Micros | None]


@dataclass(frozen=True, slots=True)
class PriceChangeRow:
    """A change of price before and after, with the markup, beside the cost."""

    change: RowChange
    markup: Decimal
    cost: Micros | None

    @property
    def was(self) -> Micros:
        return scale_half_up(self.change.was.micros, self.markup)

    @property
    def becomes(self) -> Micros:
        return scale_half_up(self.change.becomes.micros, self.markup)

    @property
    def percent(self) -> float:
        return (self.becomes - self.was) * 100 / self.was if self.was else 0.0

    @property
    def is_below_cost(self) -> bool:
        return self.cost is not None and self.becomes < self.cost


@staff(Permission.MONEY, FORM, fresh=True)
def change(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    """Show the changes of prices first, then write exactly the shown ones.

    A mistake leads back to the book's page with everything that was typed.
    """
    found = book_or_404(book)
    if request.method != "POST":
        return redirect("ops:price_book", found.pk)
    context: dict[str, Any] = {"book": found, "kept": _sent_fields(request)}
    try:
        plan, costs = _plan(request, found)
        context |= _plan_context(plan, found, costs)
        if request.POST.get("seen", "") == plan.digest:
            change_prices(book=found, changes=plan.changes, **by(request, operator))
            return back(request, operator, found, f"{counted(len(plan.changes), 'price')} changed")
    except (ValidationError, ValueError) as error:
        return page(request, operator, found, words_of(error))
    if "seen" in request.POST:
        context["complaint"] = "Prices have changed since these were shown. Check again."
    return rendered(
        request, operator, "ops/price_change.html", context, refused="complaint" in context
    )


@staff(Permission.MONEY, FORM)
def retype(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    found = book_or_404(book)
    if request.method != "POST":
        return redirect("ops:price_book", found.pk)
    return page(request, operator, found)


@staff(Permission.MONEY, POST)
def undo(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    found = book_or_404(book)
    try:
        number = undo_prices(
            book=found, last=number_of(request.POST.get("last", "")), **by(request, operator)
        )
    except ValidationError as error:
        messages.error(request, words_of(error))
        return redirect("ops:price_book", found.pk)
    return back(request, operator, found, f"{counted(number, 'price')} as before")


def _sent_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the sent fields, to be sent again; without empty ones."""
    apart = {"csrfmiddlewaretoken", "seen"}
    return [
        (name, value)
        for name, values in request.POST.lists()
        if name not in apart
        for value in values
        if value
    ]


def _plan(request: HttpRequest, book: PriceBook) -> tuple[Repriced, Costs]:
    """Return the typed changes with the operation applied after them.

    Raises ValueError or ValidationError with a message for the page.
    """
    rows = rows_on_offer(book, request.POST.get("model", ""))
    costs = known_costs(clock.now())
    by_hand = reprice_by_hand(rows, _typed_prices(request, rows))
    how, number = request.POST.get("how", ""), request.POST.get("number", "").strip()
    if number and not how:
        raise ValueError(f"choose an operation for {number!r}, or empty “By”")
    if not how:
        return check_plan(by_hand, book.markup), costs
    what = operation(how, number)
    at_hand = {change.key: change.becomes for change in by_hand.changes}
    chosen = _chosen_rows(request, [at_hand.get(row.key, row) for row in rows])
    if not chosen:
        raise ValueError("tick the prices to change, or choose all of them")
    many = reprice(chosen, what, markup=book.markup, costs=costs)
    return check_plan(_together(rows, by_hand, many), book.markup), costs


def _together(rows: Sequence[BookRow], by_hand: Repriced, many: Repriced) -> Repriced:
    """Merge typed changes and those of the operation into changes from the current rows."""
    becomes = {change.key: change.becomes for change in (*by_hand.changes, *many.changes)}
    changes = [
        RowChange(row, becomes[row.key])
        for row in rows
        if row.key in becomes and becomes[row.key] != row
    ]
    return replace(many, changes=changes)


def _typed_prices(request: HttpRequest, rows: Iterable[BookRow]) -> Mapping[PriceKey, str]:
    named = ((row.key, PRICE + " ".join(row.key)) for row in rows)
    return {key: request.POST[name] for key, name in named if name in request.POST}


def _chosen_rows(request: HttpRequest, rows: Sequence[BookRow]) -> list[BookRow]:
    which, model = request.POST.get("which", TICKED), request.POST.get("model", "")
    ticked = set(request.POST.getlist("cell"))
    return [
        row
        for row in rows
        if which == BOOK
        or (which == MODEL and row.model == model)
        or (which == TICKED and " ".join(row.key) in ticked)
    ]


def _plan_context(plan: Repriced, book: PriceBook, costs: Costs) -> dict[str, Any]:
    lines = [PriceChangeRow(change, book.markup, costs(change.key)) for change in plan.changes]
    return {
        "plan": plan,
        "lines": lines[:MAX_SHOWN_ROWS],
        "below": sum(line.is_below_cost for line in lines),
    }
