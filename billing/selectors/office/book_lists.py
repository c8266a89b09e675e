"""Price books as operators list them: scheduled ones first, past ones last, a page at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from accounts.models import AuditEvent
from billing.models import PriceBook
from billing.selectors.office.repricing import decided_by, taken_over
from billing.selectors.price_books import (
    CURRENT,
    DRAFT,
    PAST,
    SCHEDULED,
    WITHDRAWN,
    book_in_force,
    with_states,
)
from billing.selectors.prices import numbers_of

STATES = (SCHEDULED, CURRENT, DRAFT, PAST, WITHDRAWN)
"""The states in the order of the list."""
ROWS_AT_ONCE = 1000


class ListedBook(NamedTuple):
    """A book with its state, list's name and tenant, its event as in `decided_by`, and its size."""

    book: PriceBook
    decided: AuditEvent | None
    prices: int


@dataclass(frozen=True, slots=True)
class BookPage:
    """A page of the list.

    Attributes:
        numbers: by state, the number of books with the text.
        is_any_current: there is a book in force for everyone.
        replaced: the pairs of `taken_over`.
        last: the id to continue after; None at the end.
    """

    books: Sequence[ListedBook]
    numbers: Mapping[str, int]
    is_any_current: bool
    replaced: Sequence[tuple[PriceBook, PriceBook]]
    last: int | None = None


def book_page(text: str, state: str, now: datetime, *, after: int | None, limit: int) -> BookPage:
    """Read the list after that book, or from its beginning if it is unknown; `state` "" is any.

    Its books have the text in their own, their list's or their tenant's name.
    """
    books = _books_after(text, state, now, after=after, limit=limit + 1)
    return BookPage(
        books=_listed(books[:limit]),
        numbers=_numbers_by_state(text, now),
        is_any_current=book_in_force(None, now) is not None,
        replaced=taken_over(now),
        last=books[limit - 1].id if books[limit:] else None,
    )


def all_books(text: str, state: str, now: datetime) -> Iterator[list[ListedBook]]:
    """Yield all these books, some at a time."""
    after: int | None = None
    while books := _books_after(text, state, now, after=after, limit=ROWS_AT_ONCE):
        yield _listed(books)
        after = books[-1].id


def _listed(books: Sequence[PriceBook]) -> list[ListedBook]:
    numbers = [book.id for book in books]
    events, prices = decided_by(numbers), numbers_of(numbers)
    return [ListedBook(book, events.get(book.id), prices.get(book.id, 0)) for book in books]


def _numbers_by_state(text: str, now: datetime) -> Mapping[str, int]:
    counts = {state: Count("id", filter=Q(state=state)) for state in STATES}
    return _matching_books(text, now).aggregate(**counts)


def _books_after(
    text: str, state: str, now: datetime, *, after: int | None, limit: int
) -> list[PriceBook]:
    books = _matching_books(text, now)
    last = _ordered_books(now).filter(id=after).first() if after else None
    if last is not None:
        books = books.filter(_comes_after(last))
    if state:
        books = books.filter(Q(state=state))
    return list(books.order_by(F("place"), "-effective_from", "name", "-version")[:limit])


def _matching_books(text: str, now: datetime) -> QuerySet[PriceBook]:
    books = _ordered_books(now)
    if not text:
        return books
    named = Q(tenant__name__icontains=text) | Q(tenant__title__icontains=text)
    named |= Q(list_name__icontains=text)
    # Operators know a book as `list:2`.
    return books.filter(Q(name__icontains=text.rpartition(":")[0] or text) | named)


def _ordered_books(now: datetime) -> QuerySet[PriceBook]:
    """Annotate all books with their place among the states."""
    books = with_states(PriceBook.objects.select_related("tenant"), now)
    places = [When(state=state, then=Value(place)) for place, state in enumerate(STATES)]
    return books.annotate(place=Case(*places))


def _comes_after(last: PriceBook) -> Q:
    place = last.place  # type: ignore[attr-defined]  # annotated
    later = Q(effective_from__lt=last.effective_from)
    at_once = Q(name__gt=last.name) | Q(name=last.name, version__lt=last.version)
    return Q(place__gt=place) | Q(place=place) & (
        later | Q(effective_from=last.effective_from) & at_once
    )
