"""Decisions on price books: publish, restore, withdraw."""

from collections.abc import Collection, Sequence
from copy import copy
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from billing.models import PriceBook
from billing.selectors import (
    CURRENT,
    DRAFT,
    PAST,
    SCHEDULED,
    WITHDRAWN,
    book_in_force,
    following,
    rows_of,
)
from billing.selectors.office.book_reviews import (
    BookReview,
    review_of_publication,
    review_of_withdrawal,
)
from billing.selectors.office.price_stops import read_beside
from billing.selectors.office.repricing import Weighed
from billing.selectors.office.whatif import would_have_brought
from billing.services.office.prices import (
    publish_price_book,
    restore_price_book,
    withdraw_price_book,
)
from console.ops.access import FORM, Operator, Permission, by, done, rendered, staff
from console.ops.reasons import LACKS_REASON
from console.ops.shown_prices import (
    MAX_SHOWN_ROWS,
    ShownBook,
    book_or_404,
    cells_of_change,
    confirmed_in,
    words_of,
)
from console.parts.exports import Rows, csv_answer
from console.parts.filters import link_of
from console.parts.page_query import refuse
from pictor.kit.words import clock, typed
from pictor.kit.words.money import to_decimal

COLUMNS = (
    *("model", "size", "quality", "before", "after", "change_percent", "images_30_days"),
    *("would_bring", "currency"),
)


@staff(Permission.SEE)
def review(request: HttpRequest, operator: Operator, book: int) -> HttpResponseBase:
    """Show a draft's changes from now or a later date on, and what stops it; also as CSV."""
    found, now = book_or_404(book), clock.now()
    if found.state != DRAFT:
        return redirect("ops:price_book", book)
    begins, complaint, text = None, "", request.GET.get("begins", "")
    try:
        begins = _moment(text, now)
    except ValueError as error:
        complaint = words_of(error)
    decision = _draft_review(found, begins, operator, now)
    if request.GET.get("format") == "csv":
        return _file(request, found, decision["changes"], complaint)
    answer = _page(request, operator, decision, complaint)
    pushed = link_of({"mode": operator.mode.query, "begins": text})  # the reason is not kept there
    answer["HX-Push-Url"] = request.path + pushed
    return answer


def _file(
    request: HttpRequest, book: PriceBook, changes: Sequence[Weighed], complaint: str
) -> HttpResponseBase:
    if complaint:
        refuse(request.GET, "begins", complaint)
    return csv_answer(f"price-changes-{book.pk}.csv", COLUMNS, [_cells(changes)])


@staff(Permission.SEE)
def what_if(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    """Show the revenue of the last 30 days at these prices, on its own page or within another."""
    found, now = book_or_404(book), clock.now()
    try:
        found.effective_from = _moment(request.GET.get("begins", ""), now) or now
    except ValueError as error:
        refuse(request.GET, "begins", words_of(error))
    context = {
        "shown": ShownBook(found),
        "whatif": would_have_brought(found, now, is_demo=operator.is_demo),
    }
    is_part = request.headers.get("HX-Request")
    page = "ops/price_whatif.html" if is_part else "ops/price_whatif_page.html"
    return rendered(request, operator, page, context)


@staff(Permission.PUBLISH, FORM, fresh=True)
def publish(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    found, now, begins = book_or_404(book), clock.now(), None
    if request.method != "POST":
        return redirect("ops:price_review", book)
    try:
        begins = _moment(request.POST.get("begins", ""), now)
        publish_price_book(
            book=copy(found), now=now, begins=begins or now, **_confirmation(request, operator)
        )
    except (ValidationError, ValueError) as error:
        if book_or_404(book).state == DRAFT:  # else published meanwhile
            decision = _draft_review(found, begins, operator, now)
            return _page(request, operator, decision, words_of(error))
    return done(request, _state_sentence(book_or_404(book)), "price_book", str(book))


def _state_sentence(book: PriceBook) -> str:
    """Describe the book's present state; a former click or another operator may have caused it."""
    if book.state == SCHEDULED:
        return f"{book.known_as} takes over at {book.effective_from:%-d %b %Y, %H:%M:%S} UTC"
    return (
        f"{book.known_as} is in force"
        if book.state == CURRENT
        else f"{book.known_as} was published"
    )


@staff(Permission.PUBLISH, FORM, fresh=True)
def restore(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    """Restore a former book, and withdraw the ticked books that would take over from it."""
    return (_put_back if request.method == "POST" else _former_page)(request, operator, book)


@staff(Permission.PUBLISH, FORM, fresh=True)
def withdraw(request: HttpRequest, operator: Operator, book: int) -> HttpResponse:
    return (_withdraw if request.method == "POST" else _scheduled_page)(request, operator, book)


def _former_page(
    request: HttpRequest, operator: Operator, number: int, complaint: str = ""
) -> HttpResponse:
    book, now = book_or_404(number), clock.now()
    if book.state != PAST:
        return _elsewhere(request, book, complaint)
    decision = _former_review(book, _ticked_ids(request), operator, now)
    return _page(request, operator, decision, complaint)


def _put_back(request: HttpRequest, operator: Operator, number: int) -> HttpResponse:
    book, now = book_or_404(number), clock.now()
    again, complaint = _in_force_again(request, book, now), ""
    if again is None:
        later = _ticked_books(request, book, now)
        try:
            confirmation = _confirmation(request, operator, is_back=True)
            again = restore_price_book(book=book, now=now, withdrawn=later, **confirmation)
        except (ValidationError, ValueError) as error:
            again, complaint = _in_force_again(request, book, now), words_of(error)
    if again is None:
        return _former_page(request, operator, number, complaint)
    words = f"{book.known_as} is in force again, as {again.known_as}"
    return done(request, words, "price_book", str(again.pk))


def _scheduled_page(
    request: HttpRequest, operator: Operator, number: int, complaint: str = ""
) -> HttpResponse:
    book, now = book_or_404(number), clock.now()
    if book.state != SCHEDULED:
        return _elsewhere(request, book, complaint)
    return _page(request, operator, _scheduled_review(book, operator, now), complaint)


def _withdraw(request: HttpRequest, operator: Operator, number: int) -> HttpResponse:
    book = book_or_404(number)
    try:
        withdraw_price_book(book=book, **_confirmation(request, operator, is_back=True))
    except (ValidationError, ValueError) as error:
        if book_or_404(number).state != WITHDRAWN:  # else withdrawn by a first click
            return _scheduled_page(request, operator, number, words_of(error))
    return done(request, f"{book.known_as} never takes effect", "price_book", str(number))


def _elsewhere(request: HttpRequest, book: PriceBook, complaint: str) -> HttpResponse:
    """Redirect to the book, because its state does not allow the decision."""
    if complaint:
        messages.error(request, complaint)
    return redirect("ops:price_book", book.pk)


def _draft_review(
    book: PriceBook, begins: datetime | None, operator: Operator, now: datetime
) -> dict[str, Any]:
    """Return the review of a draft that begins at `begins`, or now."""
    review = review_of_publication(book, now, begins=begins or now, is_demo=operator.is_demo)
    query = {"mode": operator.mode.query, "begins": begins.isoformat() if begins else ""}
    return {
        "verb": "Publish",
        "action": "price_publish",
        "lead": "The changes, largest effect on money first, and any warnings.",
        "begins": begins,
        "csv": link_of(query, format="csv"),
        "faults": review.faults,
        "overtaken": review.overtaken,
        "later": review.later,
        **_review_context(book, review, operator),
    }


def _former_review(
    book: PriceBook, ticked: Collection[str], operator: Operator, now: datetime
) -> dict[str, Any]:
    """Return the review of a former book that would be in force from now on."""
    review = review_of_publication(book, now, begins=now, is_demo=operator.is_demo, ticked=ticked)
    return {
        "verb": "Put back",
        "action": "price_restore",
        "lead": "Its prices become a new version, in force from now on. Models added since stay.",
        "faults": review.faults,
        "choices": review.later,
        "without": review.withdrawn,
        **_review_context(book, review, operator),
    }


def _scheduled_review(book: PriceBook, operator: Operator, now: datetime) -> dict[str, Any]:
    """Return the review of a withdrawal, with the changes that would be called off."""
    review = review_of_withdrawal(book, now, is_demo=operator.is_demo)
    return {
        "verb": "Withdraw",
        "action": "price_withdraw",
        "lead": "It will never take effect. The book in force before its date stays in force.",
        "stays": review.stays,
        **_review_context(book, review, operator),
    }


def _review_context(book: PriceBook, review: BookReview, operator: Operator) -> dict[str, Any]:
    return {
        "shown": ShownBook(book),
        "moves": review.moves,
        "stops": review.stops,
        "large": {change.key for step in review.stops.steps for change in step.large},
        "changes": review.changes,
        "rows": review.changes[:MAX_SHOWN_ROWS],
        "number": len(review.changes),
        "seen": review.seen,
        "mode": operator.mode.query,
    }


def _cells(rows: Sequence[Weighed]) -> Rows:
    return [
        [
            *cells_of_change(row.change, row.images),
            "" if row.micros is None else to_decimal(row.micros),
            "USD",
        ]
        for row in rows
    ]


def _page(
    request: HttpRequest, operator: Operator, decision: dict[str, Any], complaint: str
) -> HttpResponse:
    query = request.POST if request.method == "POST" else request.GET
    is_kept = request.method == "POST" or "HX-Request" in request.headers  # a link fills in nothing
    context = {
        "complaint": complaint,
        "typed_begins": query.get("begins", "").strip(),
        "reason": query.get("reason", "") if is_kept else "",
        **decision,
    }
    return rendered(request, operator, "ops/price_review.html", context, refused=complaint)


def _confirmation(
    request: HttpRequest, operator: Operator, *, is_back: bool = False
) -> dict[str, Any]:
    """Return the typed confirmation, the digest shown and the actor; a step back needs a reason.

    Raises ValueError.
    """
    confirmed, seen = confirmed_in(request.POST), request.POST.get("seen", "")
    if is_back and not confirmed.reason:
        raise ValueError(LACKS_REASON)
    return {"confirmed": confirmed, "seen": seen, **by(request, operator)}


def _moment(text: str, now: datetime) -> datetime | None:
    """Parse a future time with its zone; None for now. Raises ValueError."""
    if not text.strip():
        return None
    moment = typed.moment(text)
    if moment < now:
        raise ValueError(f"{text} is in the past: prices begin now or later")
    return moment


def _ticked_books(request: HttpRequest, book: PriceBook, now: datetime) -> list[PriceBook]:
    """Return the ticked books that would take over and are to be withdrawn too."""
    ticked = _ticked_ids(request)
    return [follower for follower in following(book.tenant_id, now) if str(follower.pk) in ticked]


def _ticked_ids(request: HttpRequest) -> set[str]:
    query = request.POST if request.method == "POST" else request.GET
    return set(query.getlist("withdraw"))


def _in_force_again(request: HttpRequest, book: PriceBook, now: datetime) -> PriceBook | None:
    """Return the book in force if a first click has already done everything; else None."""
    present = book_in_force(book.tenant_id, now)
    if present is None or present.markup != book.markup or _ticked_books(request, book, now):
        return None
    rows = read_beside(book, now).rows[book.id]
    return present if set(rows_of(present)) == set(rows) else None
