"""Change prices of a draft as they were reviewed, and undo the last change."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import By
from billing.models import PriceBook
from billing.pixel_prices import terms_from
from billing.price_rows import BookRow, kind_of
from billing.repricing import Repriced, RowChange
from billing.selectors import rows_of
from billing.selectors.office.repricing import latest_events
from billing.services.office.prices import SEEN_ANOTHER, check_charges, set_prices
from pictor.kit.words.money import Micros
from pictor.kit.words.untyped import Json


def check_plan(plan: Repriced, markup: Decimal) -> Repriced:
    """Return the plan. Raises ValidationError if a price is too large with this markup."""
    check_charges([change.becomes for change in plan.changes], markup)
    return plan


@transaction.atomic
def change_prices(*, book: PriceBook, changes: Sequence[RowChange], **by: Unpack[By]) -> None:
    """Write these changes of a draft.

    Raises ValidationError for a published book, and with the code SEEN_ANOTHER if a row has changed
    since.
    """
    _lock(book)
    rows = {row.key: row for row in rows_of(book)}
    # A row of 0 also stands for a cell without a price.
    were = [change.was for change in changes if change.was.micros or change.key in rows]
    if any(rows.get(row.key) != row for row in were):
        raise ValidationError("prices have changed since these were shown", code=SEEN_ANOTHER)
    set_prices(book=book, rows=[change.becomes for change in changes], **by)


@transaction.atomic
def undo_prices(*, book: PriceBook, last: int | None = None, **by: Unpack[By]) -> int:
    """Undo the `last` change of a draft's prices, or redo it, and return the number of rows.

    Raises ValidationError for a published book, without a change, or if another change is last.
    """
    _lock(book)
    event = latest_events(book).get("price_book.prices")
    if event is None:
        raise ValidationError("no price of this draft has been changed")
    if last not in {None, event.pk}:
        raise ValidationError("prices have changed since these were shown", code=SEEN_ANOTHER)
    before, after = event.before or {}, event.after or {}
    rows = [_row(words, facts) for words, facts in before.items()]
    removed = [row.key for row in (_row(words, after[words]) for words in after.keys() - before)]
    set_prices(book=book, rows=rows, removed=removed, **by)
    return len(before.keys() | after.keys())


def _lock(book: PriceBook) -> None:
    """Lock the draft to the transaction's end. Raises ValidationError if discarded or published."""
    locked = PriceBook.objects.select_for_update().filter(id=book.id).first()
    if locked is None:
        raise ValidationError("the draft is discarded")
    if locked.published_at is not None:
        raise ValidationError("the book is published already")


def _row(words: str, facts: Json) -> BookRow:
    """Read a row from the audit log."""
    model, size, quality = words.rsplit(" ", 2)
    micros, kind = Micros(facts["micros"]), kind_of(facts["kind"])
    terms = terms_from(facts.get("terms"))
    return BookRow(model, size, quality, micros, facts["width"], facts["height"], kind, terms)
