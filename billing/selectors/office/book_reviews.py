"""Reviews of a decision on a price book: its effects, and the reasons that stop it."""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from billing.models import PriceBook
from billing.price_stops import Stops
from billing.selectors.office.price_stops import (
    Beside,
    faults_of,
    outlook_of,
    price_changes,
    read_beside,
    stops_of,
    stops_of_withdrawal,
)
from billing.selectors.office.repricing import Weighed, published_since_drafted, weigh_changes
from billing.selectors.price_books import coming, last_of


@dataclass(frozen=True, slots=True)
class BookReview:
    """The effects of a decision on a book, and the reasons that stop it.

    Attributes:
        changes: the price changes, those that move most money first.
        stops: the confirmations needed.
        seen: the digest of the facts that it rests on.
        moves: for a list's book, the number of tenants on the list.
        faults: the reasons why the book cannot be published.
        overtaken: the owner's books that were published after this draft was made.
        later: the owner's books that would take over from it.
        withdrawn: the ids of those of `later` that are withdrawn too.
        stays: the book in force if a scheduled one is withdrawn.
    """

    changes: Sequence[Weighed]
    stops: Stops
    seen: str
    moves: int | None
    faults: Sequence[str] = ()
    overtaken: Sequence[PriceBook] = ()
    later: Sequence[PriceBook] = ()
    withdrawn: Sequence[int] = ()
    stays: PriceBook | None = None


def review_of_publication(
    book: PriceBook,
    now: datetime,
    *,
    begins: datetime,
    is_demo: bool,
    ticked: Collection[str] = (),
) -> BookReview:
    """Review a draft, or a former book, that begins then; `ticked` are ids of later books.

    The book must come from `price_book_in_full`.
    """
    beside, proposed = read_beside(book, now), copy(book)
    proposed.effective_from = begins
    later = coming(beside.books, book.tenant_id, begins)
    withdrawn = [other.id for other in later if str(other.pk) in ticked]
    return BookReview(
        changes=_weighed(proposed, now, beside, withdrawn, is_demo=is_demo),
        stops=stops_of(proposed, now, withdrawn=withdrawn, beside=beside),
        seen=outlook_of(book, now, beside=beside),
        moves=_moves(book, beside),
        faults=faults_of(proposed, rows=beside.rows[book.id]),
        overtaken=published_since_drafted(book, beside.books),
        later=later,
        withdrawn=withdrawn,
    )


def review_of_withdrawal(book: PriceBook, now: datetime, *, is_demo: bool) -> BookReview:
    """Review a scheduled book's withdrawal; the changes are those that would be called off.

    The book must come from `price_book_in_full`.
    """
    beside = read_beside(book, now)
    return BookReview(
        changes=_weighed(book, now, beside, is_demo=is_demo),
        stops=stops_of_withdrawal(book, now, beside=beside),
        seen=outlook_of(book, now, beside=beside),
        moves=_moves(book, beside),
        stays=last_of(beside.books, book.tenant_id, now),
    )


def _weighed(
    book: PriceBook,
    now: datetime,
    beside: Beside,
    withdrawn: Collection[int] = (),
    *,
    is_demo: bool,
) -> list[Weighed]:
    changes = price_changes(book, now, withdrawn=withdrawn, beside=beside)
    rows = {row.key for row in beside.rows[book.id]}
    return weigh_changes(book, changes, now, rows=rows, payers=beside.payers, is_demo=is_demo)


def _moves(book: PriceBook, beside: Beside) -> int | None:
    return len(beside.payers or ()) if book.list_name else None
