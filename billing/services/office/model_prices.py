"""The prices of one model in everyone's next book."""

from collections.abc import Sequence
from typing import Unpack

from django.db import transaction

from accounts.services import By
from billing import locks
from billing.models import PriceBook
from billing.price_rows import BookRow
from billing.selectors import book_in_force, rows_of
from billing.services.office.prices import draft_price_book, set_prices
from pictor.kit.words import clock

FIRST_BOOK = "list"
"""The name of everyone's first price book."""


def open_draft() -> PriceBook | None:
    """Return the draft of everyone's next book, if there is one."""
    latest = PriceBook.objects.filter(name=_name(), tenant=None).order_by("-version").first()
    return latest if latest and latest.published_at is None else None


def prices_of(model: str) -> list[BookRow]:
    """Return a model's rows in the draft of everyone's next book, else in the one in force."""
    book = open_draft() or book_in_force(None, clock.now())
    return [row for row in rows_of(book) if row.model == model]


@transaction.atomic
def draft_prices_of(model: str, rows: Sequence[BookRow], **by: Unpack[By]) -> PriceBook | None:
    """Put a model's prices into the draft of everyone's next book, in place of those it has there.

    Without a draft, it becomes a copy of the book in force. Returns the draft, None if there is
    none and the prices in force are these. Raises ValidationError for a charge that is too large.
    """
    locks.decisions_on_prices()
    draft, present = open_draft(), prices_of(model)
    if set(present) == set(rows):
        return draft
    if draft is not None:
        removed = [row.key for row in present]
        set_prices(book=draft, rows=rows, removed=removed, **by)
        return draft
    now = clock.now()
    others = [row for row in rows_of(book_in_force(None, now)) if row.model != model]
    return draft_price_book(name=_name(), rows=[*others, *rows], effective_from=now, **by)


def _name() -> str:
    present = book_in_force(None, clock.now())
    return present.name if present else FIRST_BOOK
