"""The prices in force for a tenant, in the form that the rules read."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from django.db.models import Count

from accounts.offer import OfferedModel
from billing.models import Price, PriceBook
from billing.pixel_prices import sides_of, terms_from
from billing.price_rows import ANY, AUTO, REFERENCE, BookRow, PriceKey, PriceRow, kind_of
from billing.pricing import PriceTable
from billing.selectors.price_books import (
    book_in_force,
    decided_for,
    following,
    settled_time,
    standing,
)
from pictor.kit.words.money import MAX_MICROS, scale_half_up

SETTLED_AFTER = timedelta(days=1)
"""Longer than any transaction, and than clocks differ."""

MAX_TABLES = 256
"""The number of tables that a process keeps."""
_tables: dict[tuple[int, ...], PriceTable] = {}


def current_table(tenant_id: UUID | None, now: datetime) -> PriceTable:
    """Return everyone's prices, the tenant's list's over them, and its own over both, row by row.

    Given a list's id, these are the prices of a tenant on it without prices of its own. Two
    queries.

    The table is empty when no book is in force: every request is then refused as unpriced.
    """
    return _table_at(decided_for(tenant_id), tenant_id, now)


def table_to_charge(tenant_id: UUID | None, now: datetime) -> PriceTable:
    """Return the table to hold money by: made only of books that can no longer be withdrawn.

    A book that was scheduled is in it once it has begun by the database's clock too.
    """
    books = decided_for(tenant_id)
    if begun := [book for book in books if _has_just_begun(book, now)]:
        now = settled_time(begun, now)
        books = decided_for(tenant_id)  # without books withdrawn meanwhile
    return _table_at(books, tenant_id, now)


def _table_at(books: Sequence[PriceBook], tenant_id: UUID | None, now: datetime) -> PriceTable:
    later = [book.effective_from for book in books if book.effective_from > now]
    return merge(standing(books, tenant_id, now), valid_until=min(later, default=None))


def _has_just_begun(book: PriceBook, now: datetime) -> bool:
    """True if a scheduled book began so recently that its withdrawal may not be visible yet."""
    was_scheduled = book.published_at is not None and book.published_at < book.effective_from
    return was_scheduled and now - SETTLED_AFTER < book.effective_from <= now


def price_tables(tenant_id: UUID | None, now: datetime) -> list[tuple[datetime, PriceTable]]:
    """Return the table in force now and each that published books will bring, with its beginning.

    Two queries.
    """
    books = decided_for(tenant_id)
    later = {book.effective_from for book in books if book.effective_from > now}
    moments = [now, *sorted(later)]
    tables = tables_of([standing(books, tenant_id, moment) for moment in moments])
    return list(zip(moments, tables, strict=True))


def rows_of(book: PriceBook | None) -> list[BookRow]:
    """Return a book's rows in order; empty without a book."""
    return list(rows_of_each([book])[book.id]) if book else []


def unpriced_keys(rows: Sequence[BookRow], offered: Sequence[OfferedModel]) -> list[PriceKey]:
    """Return offered cells without a price among these rows of everyone's, in the offer's order."""
    priced = PriceTable.of_rows(rows)
    return [
        key
        for model in offered
        if model.is_enabled
        for size in model.sizes
        for quality in model.qualities
        if priced.row_of(key := (model.name, size, quality)) is None
    ]


def short_prices(rows: Sequence[BookRow], offered: Sequence[OfferedModel]) -> list[PriceKey]:
    """Return rows of size `any` whose steps end below the largest size that they would price."""
    sides = {
        model.name: [*filter(None, map(sides_of, (*model.sizes, model.largest)))]
        for model in offered
    }
    own = {row.key for row in rows}
    return [
        row.key
        for row in rows
        if row.size == ANY and row.terms is not None
        for width, height in sides.get(row.model, ())
        if row.terms.micros(width * height) is None
        and (row.model, f"{width}x{height}", row.quality) not in own
    ]


def free_prices(rows: Sequence[BookRow], markup: Decimal) -> list[PriceKey]:
    """Return the cells sold for nothing: priced at 0, or at a price that the markup rounds to 0."""
    least = ((row.key, row.terms.least if row.terms else row.micros) for row in rows)
    return [key for key, micros in least if not scale_half_up(micros, markup)]


def too_dear(rows: Sequence[BookRow], markup: Decimal) -> list[PriceKey]:
    """Return the cells that the markup makes dearer than the highest amount that can be typed."""
    most = ((row.key, max(row.micros, row.terms.most if row.terms else 0)) for row in rows)
    return [key for key, micros in most if scale_half_up(micros, markup) > MAX_MICROS]


def of_other_pixels(rows: Sequence[BookRow], offered: Sequence[OfferedModel]) -> list[PriceKey]:
    """Return rows whose pixels differ from their size's; a fixed `auto` must have those of a size.

    An image in a size without a row of its own is charged by its share of a row's pixels.
    """
    sizes = {(model.name, size) for model in offered for size in model.sizes}
    sizes |= {(row.model, row.size) for row in rows}
    return [
        row.key
        for row in rows
        if row.size not in {REFERENCE, ANY}
        and (row.kind == "fixed" or row.size != AUTO)
        and ((row.model, row.pixels) not in sizes if row.size == AUTO else row.pixels != row.size)
    ]


def without_price(keys: Iterable[PriceKey], now: datetime) -> list[PriceKey]:
    """Return the cells without a price in everyone's book in force or one that follows it.

    Empty while no book is in force: no request is accepted then.
    """
    current = book_in_force(None, now)
    if current is None:
        return []
    books = [current, *following(None, now)]
    tables = tables_of([[book] for book in books])
    return [key for key in keys if any(table.row_of(key) is None for table in tables)]


def known_table_of(books: tuple[int, ...]) -> PriceTable | None:
    """Return what `table_of` would if this process has it cached; never asks the database."""
    return _tables.get(books)


def table_of(books: tuple[int, ...]) -> PriceTable:
    """Return the table made of these published books, in force or not, to settle with.

    Published books never change, so tables are kept until there are MAX_TABLES, when all are
    dropped. Raises LookupError for a book that is not published.
    """
    table = _tables.get(books)
    if table is None:
        table = _build_table(books)
        if len(_tables) >= MAX_TABLES:
            _tables.clear()
        _tables[books] = table
    return table


def _build_table(books: tuple[int, ...]) -> PriceTable:
    by_id = PriceBook.objects.in_bulk(books)
    chosen = [by_id[book] for book in books if book in by_id]
    if len(chosen) != len(books) or any(book.published_at is None for book in chosen):
        raise LookupError(f"no published price books {books}")
    return merge(chosen)


def tables_of(stacks: Sequence[Sequence[PriceBook]]) -> list[PriceTable]:
    """Return a table for each stack of books, later books above. One query for all of them."""
    rows = price_rows_of([*{book.id: book for stack in stacks for book in stack}.values()])
    named = [tuple(book.id for book in stack) for stack in stacks]
    tables = {
        ids: _merge(stack, rows) for ids, stack in dict(zip(named, stacks, strict=True)).items()
    }
    return [tables[ids] for ids in named]


Rows = Mapping[int, Mapping[PriceKey, PriceRow]]
"""Price rows by book."""


def merge(books: Sequence[PriceBook], *, valid_until: datetime | None = None) -> PriceTable:
    """Make a table of these books; later ones win, row by row."""
    return replace(_merge(books, price_rows_of(books)), valid_until=valid_until)


def over_one_another(
    books: Sequence[PriceBook], rows: Mapping[int, Sequence[BookRow]]
) -> Mapping[PriceKey, PriceRow]:
    """Return the prices of these books, later ones above, from the rows of each."""
    return _merge(books, _price_rows(books, rows)).rows


def _merge(books: Sequence[PriceBook], by_book: Rows) -> PriceTable:
    rows: dict[PriceKey, PriceRow] = {}
    for book in books:
        rows |= by_book.get(book.id, {})
    return PriceTable(books=tuple(book.id for book in books), rows=MappingProxyType(rows))


def price_rows_of(books: Collection[PriceBook]) -> Rows:
    return _price_rows(books, rows_of_each(books))


def _price_rows(books: Collection[PriceBook], rows: Mapping[int, Sequence[BookRow]]) -> Rows:
    return {book.id: {row.key: row.priced(book.markup) for row in rows[book.id]} for book in books}


def numbers_of(books: Collection[int]) -> Mapping[int, int]:
    """Return by book its number of prices; books without prices are left out."""
    counted = Price.objects.filter(book__in=books).values_list("book_id")
    return dict(counted.annotate(number=Count("id")))


def rows_of_each(books: Iterable[PriceBook]) -> Mapping[int, Sequence[BookRow]]:
    by_book: dict[int, list[BookRow]] = {book.id: [] for book in books}
    for book_id, row in _stored_rows(by_book):
        by_book[book_id].append(row)
    return by_book


def _stored_rows(books: Collection[int]) -> Iterator[tuple[int, BookRow]]:
    prices = Price.objects.filter(book__in=books).order_by("model", "size", "quality")
    for row in prices.values("book_id", *(field.name for field in fields(BookRow))):
        row |= {"kind": kind_of(row["kind"]), "terms": terms_from(row["terms"])}
        yield row.pop("book_id"), BookRow(**row)
