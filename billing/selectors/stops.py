"""What a book changes, and what has to be typed before it, or its withdrawal, comes into force."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from billing.models import PriceBook
from billing.price_changes import PriceChange, changes_between
from billing.price_stops import BelowCost, Step, Stops, judged_by_cost, later_name
from billing.pricing import PriceKey
from billing.selectors.price_books import last_of
from billing.selectors.prices import decided_for, merged, standing
from billing.selectors.usage import sold_since
from billing.supply import supply

LARGE_CHANGES_LOOK_BACK = timedelta(days=30)


def price_changes(book: PriceBook, now: datetime) -> list[PriceChange]:
    """What this book changes of what its tenant, or everyone, pays once it is in force.

    A scheduled book changes what would be in force without it.
    """
    begins = max(now, book.effective_from)
    present = standing(_others(book, now), book.tenant_id, begins)
    beside = [one for one in present if one.tenant_id != book.tenant_id]
    together = sorted([*beside, book], key=lambda one: one.tenant_id is not None)
    return changes_between(merged(present).rows, merged(together).rows)


def stops_of(book: PriceBook, now: datetime) -> Stops:
    """What has to be typed before this book is published, or put in force again.

    Its own far changes, those of the book that follows it, and its prices below cost.
    """
    begins = max(now, book.effective_from)
    others = _others(book, now)
    changes = price_changes(book, now)
    large = _large(changes, now)
    steps = [Step(changes, large)] if large else []
    if follower := _follower(others, book, begins):
        without = last_of(
            [one for one in others if one.id != follower.id],
            book.tenant_id,
            follower.effective_from,
        )
        steps += _later(follower, others, was=without, becomes=book, now=now)
    below, unknown = _by_cost(book, begins)
    return Stops(steps, below, unknown)


def stops_of_withdrawal(book: PriceBook, now: datetime) -> Stops:
    """What has to be typed before a scheduled book is taken back.

    Far changes that the book after it then makes, and what is below cost from its date on, without
    it alone.
    """
    begins = max(now, book.effective_from)
    others = [one for one in decided_for(book.tenant_id) if one.id != book.id]
    stays = last_of(others, book.tenant_id, begins)
    steps = []
    if follower := _follower(others, book, begins):
        steps = _later(follower, others, was=book, becomes=stays, now=now)
    if stays is None:
        return Stops(steps)
    with_it = {one.key for one in _by_cost(book, begins)[0]}
    return Stops(steps, [one for one in _by_cost(stays, begins)[0] if one.key not in with_it])


def _others(book: PriceBook, now: datetime) -> list[PriceBook]:
    """What is decided beside it; with it where it has begun: to restore that changes nothing."""
    decided = decided_for(book.tenant_id)
    return [one for one in decided if one.id != book.id or one.effective_from <= now]


def _follower(books: Sequence[PriceBook], book: PriceBook, begins: datetime) -> PriceBook | None:
    """Its owner's next book."""
    owners = (one for one in books if one.tenant_id == book.tenant_id)
    return next((one for one in owners if one.effective_from > begins), None)


def _later(
    follower: PriceBook,
    books: Sequence[PriceBook],
    *,
    was: PriceBook | None,
    becomes: PriceBook | None,
    now: datetime,
) -> list[Step]:
    """What a book changes far, behind another one than before."""
    beside = None
    if follower.tenant_id is not None:
        beside = last_of(books, None, follower.effective_from)

    def changed(former: PriceBook | None) -> list[PriceChange]:
        before = [one for one in (beside, former) if one is not None]
        after = [one for one in (beside, follower) if one is not None]
        return changes_between(merged(before).rows, merged(after).rows)

    known, changes = changed(was), changed(becomes)
    large = _large([change for change in changes if change not in known], now)
    name = later_name(f"{follower.name}:{follower.version}", follower.effective_from)
    return [Step(changes, large, name)] if large else []


def _large(changes: Sequence[PriceChange], now: datetime) -> list[PriceChange]:
    """Those by more than half, of models that sold in the last 30 days to anybody."""
    large = [change for change in changes if change.is_large]
    sold = sold_since(now - LARGE_CHANGES_LOOK_BACK) if large else frozenset()
    return [change for change in large if change.model in sold]


def _by_cost(book: PriceBook, begins: datetime) -> tuple[list[BelowCost], list[PriceKey]]:
    """Of a book's own prices."""
    prices = {key: row.unit for key, row in merged([book]).rows.items()}
    return judged_by_cost(prices, supply().served(begins))
