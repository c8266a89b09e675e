"""The revenue that the last 30 days would have brought under a price book."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from uuid import UUID

from accounts.models import Tenant
from accounts.selectors.office.tenants import tenants_among
from billing.models import PriceBook
from billing.price_rows import PriceKey
from billing.selectors.office.price_lists import Held, lists_held
from billing.selectors.office.sold import sold_until
from billing.selectors.price_books import decided_books, is_former, last_of, standing
from billing.selectors.prices import tables_of
from billing.whatif import ByOwner, Prices, SoldImages, TenantEffect, WhatIf, brought_by, cut_off
from pictor.kit.database.cursors import all_rows
from pictor.kit.words.money import Micros

FORECAST_DAYS = 30
"""UTC days, today included."""
SOME_TOUCHED = 5
"""The number of tenants to name."""
_LONGEST = timedelta(days=1)
"""More than the longest time from pricing a request to its charge."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The revenue those days would have brought (`facts`), and the tenants affected most.

    Transfers before `until` are counted; None means that nothing is counted yet.
    """

    facts: WhatIf
    first: date
    until: datetime | None
    most_touched: Collection[tuple[Tenant, TenantEffect]]

    @property
    def lines(self) -> list[str]:
        names = {tenant.id: tenant.name for tenant, _ in self.most_touched}
        return self.facts.lines(names.__getitem__, FORECAST_DAYS)


def would_have_brought(book: PriceBook, now: datetime, *, is_demo: bool = False) -> Forecast:
    """Compare the charges of the last 30 days with those under this book.

    The book takes its owner's place among the books in force at its beginning. At most 7 queries.
    """
    first = now.astimezone(UTC).date() - timedelta(days=FORECAST_DAYS - 1)
    held = lists_held()
    tenants = None if book.tenant_id is None else _paying(book.tenant_id, held)
    sold_since = partial(_images_sold, first=first, is_demo=is_demo, tenants=tenants)
    sold = sold_since()
    prices = _prices(
        book, {images.tenant: held.get(images.tenant, ()) for images in sold}, first, now
    )
    if cut := cut_off(sold, prices):
        sold = [images for images in sold if images.key not in cut] + sold_since(by_day=cut)
    facts = brought_by(sold, prices)
    most = facts.most_touched[:SOME_TOUCHED]
    named = tenants_among([effect.tenant for effect in most])
    return Forecast(facts, first, sold_until(), [(named[effect.tenant], effect) for effect in most])


def _paying(owner: UUID, held: Mapping[UUID, Held]) -> list[UUID]:
    """Return the tenants on this list; for the id of a tenant, that tenant."""
    return [tenant for tenant, lists in held.items() if lists[-1][1] == owner] or [owner]


def _prices(book: PriceBook, held: Mapping[UUID, Held], first: date, now: datetime) -> ByOwner:
    """Return by owner the table with this book, and the tables in force since that day.

    The owners are everyone (None) and each of these tenants with prices over everyone's.
    """
    books = list(decided_books())
    over = {owned.tenant_id for owned in (*books, book)} - {None}
    stacks = {}
    payers: list[tuple[UUID | None, Held]] = [(None, ()), *held.items()]
    for owner, lists in payers:
        ever = {owner, *(shared for _, shared in lists)} - {None}
        if owner is None or ever & over:
            present = {None, owner, lists[-1][1] if lists else None}
            others = [
                other for other in books if other.tenant_id in present and other.id != book.id
            ]
            with_it = [*others, book] if book.tenant_id in present else others
            then = standing(with_it, owner, max(now, book.effective_from))
            if is_former(book, now) and (current := last_of(others, None, now)):
                then = [current, *then]
            applicable = [other for other in books if other.tenant_id in {None, *ever}]
            stacks[owner] = [then, *_since(first, applicable, owner, lists, now)]
    tables = iter(tables_of([stack for own_stacks in stacks.values() for stack in own_stacks]))
    merged = {owner: [next(tables) for _ in own_stacks] for owner, own_stacks in stacks.items()}
    return {owner: Prices(table, former) for owner, (table, *former) in merged.items()}


def _since(
    first: date, books: Iterable[PriceBook], owner: UUID | None, lists: Held, now: datetime
) -> list[list[PriceBook]]:
    """Return an owner's stacks of books since that day, one after the other."""
    since = datetime.combine(first, time(), tzinfo=UTC) - _LONGEST
    begun = {book: max(book.effective_from, book.published_at or now) for book in books}
    changed = (*begun.values(), *(at for at, _ in lists))
    stacks = []
    for moment in (since, *sorted(at for at in changed if since < at <= now)):
        owners = {None, owner, *[shared for at, shared in lists if at <= moment][-1:]}
        then = [book for book, at in begun.items() if at <= moment and book.tenant_id in owners]
        stacks.append(standing(then, owner, moment))
    return [stack for stack in stacks if stack]


def _images_sold(
    *,
    first: date,
    is_demo: bool,
    tenants: Collection[UUID] | None,
    by_day: Collection[PriceKey] | None = None,
) -> list[SoldImages]:
    """Return the charges since that day to those tenants or to all; the rows in `by_day` by day."""
    day, of_rows = "NULL::date", ""
    if by_day is not None:
        day, of_rows = "day", "AND (model, asked, quality) IN (SELECT * FROM rows)"
    of_tenants = "" if tenants is None else "AND tenant_id = ANY(%s)"
    rows = all_rows(
        f"""
        WITH rows AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::text[]))
        SELECT tenant_id, model, asked, quality, delivered, SUM(images)::bigint,
               SUM(captured_micros)::bigint, {day}
          FROM billing_soldday
         WHERE day >= %s AND is_demo = %s AND (images > 0 OR captured_micros > 0)
               {of_rows} {of_tenants}
         GROUP BY 1, 2, 3, 4, 5, 8
        """,  # noqa: S608 - built from constants
        [
            *([key[place] for key in by_day or ()] for place in range(3)),
            first,
            is_demo,
            *([] if tenants is None else [list(tenants)]),
        ],
    )
    return [
        SoldImages(who, model, size, quality, delivered, images, Micros(captured), on)
        for who, model, size, quality, delivered, images, captured, on in rows
    ]
