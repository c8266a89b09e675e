"""A book's price changes, and the confirmations needed to publish or withdraw it."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from accounts.offer import offer
from billing.models import PriceBook
from billing.price_changes import PriceChange, changes_between
from billing.price_rows import ANY, AUTO, BookRow, PriceKey, PriceRow, price_words
from billing.price_stops import (
    BelowCost,
    BookStep,
    CellCost,
    Stops,
    apart,
    judged_by_cost,
    later_name,
)
from billing.selectors.office.hours import sold_since
from billing.selectors.office.price_lists import tenants_on
from billing.selectors.price_books import decided_books, decided_for, is_former, last_of, standing
from billing.selectors.prices import (
    free_prices,
    of_other_pixels,
    over_one_another,
    rows_of,
    rows_of_each,
    short_prices,
    tables_of,
    too_dear,
    unpriced_keys,
)
from billing.supply import supply, waits_for_upgrade
from pictor.kit.words.money import scale_half_up

LARGE_CHANGES_LOOK_BACK = timedelta(days=30)
LAST_YEAR = 9000
"""Pages show start dates in a customer's time zone, which needs years beyond this one."""


def faults_of(book: PriceBook, *, rows: Sequence[BookRow] | None = None) -> list[str]:
    """Return the reasons why this book cannot be published: charging by it would fail or be wrong.

    A tenant's or list's book may be without prices: then those below it apply again.
    """
    if rows is None:
        rows = rows_of(book)
    if book.tenant_id is None and not rows:
        return ["the book has no prices"]
    is_everyones, wrong = book.tenant_id is None, list[str]()
    of_some_size = any(
        (row.size == AUTO and row.kind == "fixed") or row.size == ANY for row in rows
    )
    # The offer is read only if a check below needs it.
    offered = offer().models() if is_everyones or of_some_size else []
    if book.effective_from.year > LAST_YEAR:
        wrong.append(f"the book would begin in {book.effective_from.year}")
    if odd := of_other_pixels(rows, offered):
        wrong.append(f"the book has other pixels than its sizes: {price_words(odd)}")
    if short := [*dict.fromkeys(short_prices(rows, offered))]:
        wrong.append(f"the steps end below the largest size of: {price_words(short)}")
    wrong += _faults_of_charges(rows, book.markup)
    if is_everyones and (missing := unpriced_keys(rows, offered)):
        wrong.append(f"the book leaves without a price: {price_words(missing)}")
    has_new = any(row.kind not in {"fixed", "formula"} or row.size == ANY for row in rows)
    if has_new and (why := waits_for_upgrade()):
        wrong.append(f"the book {why}")
    return wrong


def _faults_of_charges(rows: Sequence[BookRow], markup: Decimal) -> Iterator[str]:
    if not markup:
        yield "a markup of 0 would give every image away"
    elif free := free_prices(rows, markup):
        yield f"the book gives away: {price_words(free)}"
    if dear := too_dear(rows, markup):
        yield f"the book charges more than nine billion USD for: {price_words(dear)}"


@dataclass(frozen=True, slots=True)
class Beside:
    """The facts for a decision on a book, read once.

    Attributes:
        books: the decided books of its owner and of the owners below it.
        rows: by book, the rows of this book, those in force, and those to come. A former book of
            everyone's has also those of the models added since: no model loses its price.
        payers: for a list's book the tenants on the list; None for others: all sales count.
    """

    books: Sequence[PriceBook]
    rows: Mapping[int, Sequence[BookRow]]
    payers: Sequence[UUID] | None


def read_beside(book: PriceBook, now: datetime, *, withdrawn: Collection[int] = ()) -> Beside:
    """Read those facts: two queries for everyone's book, at most four otherwise."""
    books, owner = decided_for(book.tenant_id), book.tenant_id
    without = [other for other in books if other.id not in {book.id, *withdrawn}]
    present = [*standing(books, owner, now), *standing(without, owner, now)]
    later = [other for other in books if other.effective_from > now]
    payers = None if owner is None else [tenant.tenant_id for tenant in tenants_on(owner)]
    # A list without tenants sold to nobody; any other book is judged by all sales.
    if not payers and not _is_a_lists(book):
        payers = None
    rows = {**rows_of_each([book, *present, *later])}
    if is_former(book, now) and (current := last_of(books, None, now)):
        times, known = current.markup / book.markup, {row.model for row in rows[book.id]}
        rows[book.id] = [
            *rows[book.id],
            *(
                row.times(lambda amount: scale_half_up(amount, times))
                for row in rows[current.id]
                if row.model not in known
            ),
        ]
    return Beside(books, rows, payers)


def _is_a_lists(book: PriceBook) -> bool:
    """True if it is a list's book. One query, unless the book was read `with_states`."""
    known = vars(book).get("list_name") if "list_name" in vars(book) else book.price_list
    return known is not None


def outlook_of(book: PriceBook, now: datetime, *, beside: Beside | None = None) -> str:
    """Return a digest of the facts a decision rests on: the book's prices and the other books."""
    beside = beside or read_beside(book, now)
    facts = [
        str(book.markup.normalize()),
        [[*row.key, *row.stored] for row in beside.rows[book.id]],
        [other.id for other in beside.books],
        [other.id for other in standing(beside.books, book.tenant_id, now)],
    ]
    return sha256(json.dumps(facts).encode()).hexdigest()[:32]


def price_changes(
    book: PriceBook,
    now: datetime,
    *,
    withdrawn: Collection[int] = (),
    beside: Beside | None = None,
) -> list[PriceChange]:
    """Return the changes to its payers' prices once it is in force.

    A scheduled book is compared with the prices in force without it. Prices that tenants have over
    those of a list or of everyone are ignored, and so are the `withdrawn` books.
    """
    beside = beside or read_beside(book, now, withdrawn=withdrawn)
    begins = max(now, book.effective_from)
    present = standing(_others(book, now, beside, withdrawn), book.tenant_id, begins)
    below = [other for other in present if other.tenant_id != book.tenant_id]
    before, after = (over_one_another(some, beside.rows) for some in (present, [*below, book]))
    return changes_between(before, after)


class Assignment(NamedTuple):
    """The changes to a tenant's prices by a list, or by none, and the confirmations they need."""

    changes: list[PriceChange]
    stops: Stops


def assignment_of(
    *, tenant_id: UUID, former: UUID | None, price_list: UUID | None, now: datetime
) -> Assignment:
    """Compare a tenant's prices with its former list, or none, and with the new list, or none.

    Confirmations are needed, now and as each scheduled book of the list takes over, for large
    changes to models that the tenant bought in the last 30 days, and for prices that fall below
    cost.
    """
    found = _changes_by_assignment(tenant_id, former, price_list, now)
    known: set[PriceChange] = set()
    steps: list[BookStep] = []
    falling: dict[datetime, Collection[PriceKey]] = {}
    below: dict[PriceKey, BelowCost] = {}
    unknown: dict[PriceKey, None] = {}
    sold = _models_sold_to([tenant_id], now)
    for begins, later, changes, _ in found:
        # A change is asked about once, not again with each later book.
        fresh = [change for change in changes if change not in known]
        known |= {*fresh}
        if large := _large(fresh, sold):
            steps.append(BookStep(changes, large, later))
        if fallen := {change.key for change in fresh if change.falls}:
            falling[begins] = fallen
    prices = {then.begins: then.prices for then in found}
    for begins, served in supply().served(falling).items():
        costly, silent = judged_by_cost(prices[begins], served, of=falling[begins])
        below = {cell.key: cell for cell in costly} | below
        unknown |= dict.fromkeys(silent)
    return Assignment(found[0].changes, Stops(steps, [*below.values()], unknown=[*unknown]))


class _Then(NamedTuple):
    """A tenant's price changes from a time on, and the name of the book that takes over then."""

    begins: datetime
    later: str
    changes: list[PriceChange]
    prices: Mapping[PriceKey, PriceRow]


def _changes_by_assignment(
    tenant_id: UUID, former: UUID | None, price_list: UUID | None, now: datetime
) -> list[_Then]:
    """Return the tenant's changes with that list: now, and as each scheduled book takes over."""
    owners = {tenant_id, former, price_list} - {None}
    books = list(decided_books().filter(Q(tenant_id=None) | Q(tenant_id__in=owners)))
    was, becomes = (
        [book for book in books if book.tenant_id in {None, tenant_id, shared}]
        for shared in (former, price_list)
    )
    moments = {now: ""}
    for book in becomes:
        if price_list and book.tenant_id == price_list and book.effective_from > now:
            moments[book.effective_from] = later_name(book.known_as, book.effective_from)
    stacks = [standing(some, tenant_id, at) for at in moments for some in (was, becomes)]
    tables = tables_of(stacks)
    return [
        _Then(at, later, changes_between(before.rows, after.rows), after.rows)
        for (at, later), before, after in zip(
            moments.items(), tables[::2], tables[1::2], strict=True
        )
    ]


def stops_of(
    book: PriceBook,
    now: datetime,
    *,
    withdrawn: Collection[int] = (),
    beside: Beside | None = None,
) -> Stops:
    """Return the confirmations needed before this book is published, or put in force again.

    They are for its own large changes, those of the book that follows it, and the prices that it
    puts below cost, or further below. The `withdrawn` books are ignored.
    """
    beside = beside or read_beside(book, now, withdrawn=withdrawn)
    begins = max(now, book.effective_from)
    others = _others(book, now, beside, withdrawn)
    changes = price_changes(book, now, withdrawn=withdrawn, beside=beside)
    sold = _models_sold_to(beside.payers, now)
    large = _large(changes, sold)
    steps = [BookStep(changes, large)] if large else []
    if follower := _follower(others, book, begins):
        without = last_of(
            [other for other in others if other.id != follower.id],
            book.tenant_id,
            follower.effective_from,
        )
        steps += _later(follower, others, was=without, becomes=book, rows=beside.rows, sold=sold)
    served = supply().served([begins])[begins]
    below, unknown = _judged(book, beside, begins, served)
    return Stops(steps, *apart(below, changes), unknown)


def stops_of_withdrawal(book: PriceBook, now: datetime, *, beside: Beside | None = None) -> Stops:
    """Return the confirmations needed before a scheduled book is withdrawn.

    They are for large changes that the following book then makes, and for prices that fall below
    cost from its date on only because it is gone.
    """
    beside = beside or read_beside(book, now)
    begins = max(now, book.effective_from)
    others = [other for other in beside.books if other.id != book.id]
    sold = _models_sold_to(beside.payers, now)
    stays = last_of(others, book.tenant_id, begins)
    steps = []
    if follower := _follower(others, book, begins):
        steps = _later(follower, others, was=book, becomes=stays, rows=beside.rows, sold=sold)
    if stays is None:
        return Stops(steps)
    served = supply().served([begins])[begins]
    without, with_it = (_judged(side, beside, begins, served)[0] for side in (stays, book))
    known = {cell.key for cell in with_it}
    return Stops(steps, [cell for cell in without if cell.key not in known])


def _others(
    book: PriceBook, now: datetime, beside: Beside, withdrawn: Collection[int]
) -> list[PriceBook]:
    """Return the other books, and the book if it has begun: restoring it changes nothing."""
    decided_books = [other for other in beside.books if other.id not in withdrawn]
    return [other for other in decided_books if other.id != book.id or other.effective_from <= now]


def _follower(books: Sequence[PriceBook], book: PriceBook, begins: datetime) -> PriceBook | None:
    owners = (other for other in books if other.tenant_id == book.tenant_id)
    return next((owner for owner in owners if owner.effective_from > begins), None)


def _later(
    follower: PriceBook,
    books: Sequence[PriceBook],
    *,
    was: PriceBook | None,
    becomes: PriceBook | None,
    rows: Mapping[int, Sequence[BookRow]],
    sold: "_Sold",
) -> list[BookStep]:
    """Return the step for a book's new large changes when the book before it is another one."""
    owner, begins = follower.tenant_id, follower.effective_from
    below = [other for other in standing(books, owner, begins) if other.tenant_id != owner]

    def changed(former: PriceBook | None) -> list[PriceChange]:
        before = below if former is None else [*below, former]
        return changes_between(
            over_one_another(before, rows), over_one_another([*below, follower], rows)
        )

    # Changes that the follower makes in either case were agreed to at its publication.
    known, changes = {*changed(was)}, changed(becomes)
    fresh = [change for change in changes if change not in known]
    large = _large(fresh, sold)
    name = later_name(follower.known_as, follower.effective_from)
    return [BookStep(changes, large, name)] if large else []


_Sold = Callable[[], Collection[str]]
"""A look-up of the models sold in the last 30 days; called only when a change is large."""


def _models_sold_to(buyers: Collection[UUID] | None, now: datetime) -> _Sold:
    """Return a cached look-up of the models sold to these buyers; None means to any tenant."""
    return cache(lambda: sold_since(now - LARGE_CHANGES_LOOK_BACK, tenants=buyers))


def _large(changes: Sequence[PriceChange], sold: _Sold) -> list[PriceChange]:
    large = [change for change in changes if change.is_large]
    return [change for change in large if change.model in sold()]


def _judged(
    book: PriceBook, beside: Beside, begins: datetime, served: Sequence[CellCost]
) -> tuple[list[BelowCost], list[PriceKey]]:
    """Judge the book's own prices, where they are not below those of others, by the costs."""
    standing_then = standing(beside.books, book.tenant_id, begins)
    below = [other for other in standing_then if other.tenant_id != book.tenant_id]
    prices = over_one_another([*below, book], beside.rows)
    return judged_by_cost(prices, served, of={row.key for row in beside.rows[book.id]})
