"""The prices in force for a tenant, as the rules read them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.db.models import Q

from accounts.offer import offer
from billing.models import Price, PriceBook
from billing.price_csv import differences
from billing.pricing import AUTO, REFERENCE, BookRow, PriceKey, PriceRow, PriceTable
from pictor.kit.money import Micros, scale_half_up

MOST_TABLES = 256
"""Tables that a process keeps."""
_tables: dict[tuple[int, ...], PriceTable] = {}


def current_table(tenant_id: UUID | None, now: datetime) -> PriceTable:
    """Everyone's prices with the tenant's own over them, row by row. Two queries.

    The table is empty when no book is in force: every request is then refused as unpriced.
    """
    books = _published(tenant_id)
    chosen = _standing(tenant_id, now, books)
    later = [book.effective_from for book in books if book.effective_from > now]
    return _table(chosen, valid_until=min(later, default=None))


def _standing(
    tenant_id: UUID | None, now: datetime, among: Sequence[PriceBook] | None = None
) -> list[PriceBook]:
    """Everyone's book in force and the tenant's own, as far as there are such."""
    books = _published(tenant_id) if among is None else among
    owners = dict.fromkeys((None, tenant_id))
    return [book for owner in owners if (book := _in_force(books, owner, now)) is not None]


def _published(tenant_id: UUID | None) -> list[PriceBook]:
    whose = Q(tenant_id=None) | Q(tenant_id=tenant_id)
    books = PriceBook.objects.filter(whose, published_at__isnull=False)
    return list(books.order_by("effective_from", "version", "id"))


def price_tables(tenant_id: UUID | None, now: datetime) -> list[tuple[datetime, PriceTable]]:
    """The table in force now, and each that follows by what is published, with its beginning."""
    tables = [(now, current_table(tenant_id, now))]
    while (following := tables[-1][1].valid_until) is not None:
        tables.append((following, current_table(tenant_id, following)))
    return tables


def book_in_force(tenant_id: UUID | None, now: datetime) -> PriceBook | None:
    """Everyone's book in force, or with a tenant's id the tenant's own."""
    books = PriceBook.objects.filter(published_at__isnull=False)
    return _in_force(books.order_by("effective_from", "version", "id"), tenant_id, now)


def book_named(name: str, version: int) -> PriceBook | None:
    """That version of that book."""
    return PriceBook.objects.select_related("tenant").filter(name=name, version=version).first()


def books_of(books: Sequence[int]) -> list[PriceBook]:
    """The books of these ids, in their order: what a request was priced by."""
    found = PriceBook.objects.in_bulk(books)
    return [found[book] for book in books if book in found]


def price_books() -> list[PriceBook]:
    """All of them, the latest first, drafts too."""
    books = PriceBook.objects.select_related("tenant")
    return list(books.order_by("-effective_from", "name", "-version"))


def rows_of(book: PriceBook | None) -> list[BookRow]:
    """A book's rows in order; none where there is no book."""
    prices = Price.objects.filter(book=book).order_by("model", "size", "quality")
    return [row_of(price) for price in prices] if book else []


def rows_by_id(ids: Iterable[int]) -> list[BookRow]:
    """Those with these ids, as they stand in the database."""
    return [row_of(price) for price in Price.objects.filter(pk__in=list(ids))]


def row_of(price: Price) -> BookRow:
    """A stored row as the rules know it."""
    return BookRow(
        model=price.model,
        size=price.size,
        quality=price.quality,
        micros=Micros(price.micros),
        width=price.width,
        height=price.height,
        kind="formula" if price.kind == Price.Kind.FORMULA else "fixed",
    )


def unpriced(book: PriceBook) -> list[PriceKey]:
    """What is offered and would have no price with this book in force, in the offer's order.

    None for a tenant's own book, which lies over everyone's row by row.
    """
    if book.tenant_id is not None:
        return []
    priced = {row.key for row in rows_of(book)}
    return [
        key
        for model in offer().models()
        if model.is_enabled
        for size in model.sizes
        for quality in model.qualities
        if (key := (model.name, size, quality)) not in priced
    ]


def given_away(book: PriceBook) -> list[PriceKey]:
    """What this book sells for nothing: at a price of 0, or at one that its markup rounds to 0."""
    return [row.key for row in _charged(book) if not row.micros]


def of_other_pixels(book: PriceBook) -> list[PriceKey]:
    """Rows whose pixels are not those of their size; a fixed `auto` has those of some size.

    What comes in a size without a row of its own is charged by its share of a row's pixels.
    """
    rows = rows_of(book)
    sizes = {(model.name, size) for model in offer().models() for size in model.sizes}
    sizes |= {(row.model, row.size) for row in rows}
    return [
        row.key
        for row in rows
        if row.size != REFERENCE
        and (row.kind == "fixed" or row.size != AUTO)
        and ((row.model, row.pixels) not in sizes if row.size == AUTO else row.pixels != row.size)
    ]


def price_changes(book: PriceBook, now: datetime) -> list[str]:
    """What this book changes of what its tenant, or everyone, pays once it is in force.

    A line each, in dollars.
    """
    begins = max(now, book.effective_from)
    present = _standing(book.tenant_id, begins)
    others = [one for one in present if one.tenant_id != book.tenant_id]
    together = sorted([*others, book], key=lambda one: one.tenant_id is not None)
    return list(differences(*(_charged_by(_table(books)) for books in (present, together))))


def _charged_by(table: PriceTable) -> list[BookRow]:
    return [
        BookRow(*key, row.unit, row.width, row.height, row.kind) for key, row in table.rows.items()
    ]


def _charged(book: PriceBook) -> list[BookRow]:
    """A book's rows with its markup in them: what an image costs."""
    return [replace(row, micros=scale_half_up(row.micros, book.markup)) for row in rows_of(book)]


def without_price(keys: Iterable[PriceKey], now: datetime) -> list[PriceKey]:
    """Which of these everyone's book in force, or one that is to follow it, has no price for.

    None as long as no book is in force: nothing can be asked for then.
    """
    books = PriceBook.objects.filter(tenant__isnull=True, published_at__isnull=False)
    current = _in_force(books.order_by("effective_from", "version", "id"), None, now)
    if current is None:
        return []
    standing = [current, *books.filter(effective_from__gt=now)]
    priced = set.intersection(*({row.key for row in rows_of(book)} for book in standing))
    return [key for key in keys if key not in priced]


def has_price_books() -> bool:
    """Whether there is any, be it a draft."""
    return PriceBook.objects.exists()


def known_table_of(books: tuple[int, ...]) -> PriceTable | None:
    """What `table_of` says, if this process knows it already; asks no database."""
    return _tables.get(books)


def table_of(books: tuple[int, ...]) -> PriceTable:
    """The table made of these published books, whatever is in force now: to settle with.

    Published books never change, so tables are kept until there are MOST_TABLES, when all are
    dropped. Raises LookupError for a book that is not published.
    """
    table = _tables.get(books)
    if table is None:
        table = _made_of(books)
        if len(_tables) >= MOST_TABLES:
            _tables.clear()
        _tables[books] = table
    return table


def _made_of(books: tuple[int, ...]) -> PriceTable:
    found = PriceBook.objects.in_bulk(books)
    chosen = [found[book] for book in books if book in found]
    if len(chosen) != len(books) or any(book.published_at is None for book in chosen):
        raise LookupError(f"no published price books {books}")
    return _table(chosen)


def _in_force(books: Iterable[PriceBook], owner: UUID | None, now: datetime) -> PriceBook | None:
    """The last of these books that is the owner's and not in the future."""
    latest = None
    for book in books:
        if book.tenant_id == owner and book.effective_from <= now:
            latest = book
    return latest


def _table(books: Sequence[PriceBook], *, valid_until: datetime | None = None) -> PriceTable:
    """Later books win, row by row."""
    rows: dict[PriceKey, PriceRow] = {}
    prices = Price.objects.filter(book__in=books).values_list(
        "book_id", "model", "size", "quality", "micros", "width", "height", "kind"
    )
    by_book: dict[int, list[tuple[PriceKey, Micros, int, int, str]]] = {}
    for book_id, model, size, quality, micros, width, height, kind in prices:
        row = ((model, size, quality), Micros(micros), width, height, kind)
        by_book.setdefault(book_id, []).append(row)
    for book in books:
        for key, micros, width, height, kind in by_book.get(book.id, []):
            rows[key] = PriceRow(
                micros, book.markup, width, height, "formula" if kind == "formula" else "fixed"
            )
    return PriceTable(
        books=tuple(book.id for book in books),
        rows=MappingProxyType(rows),
        valid_until=valid_until,
    )
