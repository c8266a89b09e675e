"""Price books as operators list them: scheduled ones first, past ones last, a page at a time."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from django.db.models import Case, Count, F, Q, QuerySet, Value, When

from billing.models import PriceBook
from billing.selectors.price_books import (
    CURRENT,
    DRAFT,
    PAST,
    SCHEDULED,
    WITHDRAWN,
    with_states,
)

STATES = (SCHEDULED, CURRENT, DRAFT, PAST, WITHDRAWN)
"""The states in the order of the list."""
ROWS_AT_ONCE = 1000


def numbers_by_state(text: str, now: datetime) -> Mapping[str, int]:
    """Count by state the books whose own, list's or tenant's name has the text."""
    counts = {state: Count("id", filter=Q(state=state)) for state in STATES}
    return _matching_books(text, now).aggregate(**counts)


def book_page(
    text: str, state: str, now: datetime, *, after: int | None, limit: int
) -> list[PriceBook]:
    """Return the books after that one, with states, list names and tenants; `state` "" is any.

    After an unknown book, the first ones.
    """
    books = _matching_books(text, now)
    last = _ordered_books(now).filter(id=after).first() if after else None
    if last is not None:
        books = books.filter(_comes_after(last))
    if state:
        books = books.filter(Q(state=state))
    return list(books.order_by(F("place"), "-effective_from", "name", "-version")[:limit])


def all_books(text: str, state: str, now: datetime) -> Iterator[list[PriceBook]]:
    """Yield all these books, some at a time."""
    after: int | None = None
    while page := book_page(text, state, now, after=after, limit=ROWS_AT_ONCE):
        yield page
        after = page[-1].id


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
