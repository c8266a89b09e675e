"""Facts beside a price book's rows: its events, the images sold at its prices, their cost."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import prod
from uuid import UUID

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast

from accounts.models import AuditEvent
from accounts.offer import offer
from accounts.selectors.office.audit import events_of
from billing.models import PriceBook, PriceList
from billing.pixel_prices import sides_of
from billing.price_changes import PriceChange
from billing.price_rows import ANY, AUTO, REFERENCE, BookRow, PriceKey
from billing.selectors.office.sold import Margin, margins
from billing.selectors.price_books import book_in_force, decided_books, with_states
from billing.selectors.prices import rows_of, unpriced_keys
from billing.supply import supply
from pictor.kit.database.cursors import all_rows
from pictor.kit.words import clock
from pictor.kit.words.money import Micros

LOOK_BACK = timedelta(days=30)
_SOLD_AT = """
WITH owned AS (
    SELECT DISTINCT ON (b.tenant_id) b.id, b.tenant_id
      FROM billing_pricebook AS b LEFT JOIN billing_pricebookwithdrawal AS w ON w.book_id = b.id
     WHERE b.tenant_id IS NOT NULL AND b.published_at IS NOT NULL AND w.book_id IS NULL
       AND b.effective_from <= %(now)s
     ORDER BY b.tenant_id, b.effective_from DESC, b.version DESC, b.id DESC
), held AS (
    SELECT DISTINCT ON (tenant_id) tenant_id, price_list_id
      FROM billing_pricelistassignment ORDER BY tenant_id, id DESC
), above AS (
    SELECT COALESCE(held.tenant_id, owned.tenant_id) AS payer, p.model, p.size, p.quality
      FROM owned JOIN billing_price AS p ON p.book_id = owned.id
      LEFT JOIN held ON held.price_list_id = owned.tenant_id
     WHERE %(is_everyones)s OR held.tenant_id IS NULL AND owned.tenant_id <> %(owner)s
)
SELECT model, asked, quality, SUM(images)::bigint
  FROM billing_soldday AS s
 WHERE day >= %(since)s AND images > 0 AND is_demo = %(is_demo)s AND asked <> %(reference)s
   AND (%(is_everyones)s OR tenant_id = ANY(%(payers)s))
   AND NOT EXISTS (SELECT FROM above AS a WHERE a.payer = s.tenant_id
                      AND (a.model, a.quality) = (s.model, s.quality)
                      AND (a.size = s.asked OR a.size = %(any)s AND
                           concat_ws(' ', s.model, s.asked, s.quality) <> ALL(%(own)s)))
 GROUP BY 1, 2, 3
"""
"""SQL: the images sold to payers of a book's prices, except at prices that lie over this book's:
over everyone's, a list's and a tenant's own; over a list's, a tenant's own.
"""
PUT_BACK_FOR = timedelta(hours=24)
"""The overview links to the previous book for this long after another took over."""


def latest_events(book: PriceBook) -> Mapping[str, AuditEvent]:
    """Return by action the latest event of the book's draft, its prices and its publication."""
    events = _events([book.id], "price_book.draft", "price_book.prices", "price_book.publish")
    return {one.action: one for one in events.order_by("action", "-id").distinct("action")}


def decided_by(books: Iterable[int]) -> Mapping[int, AuditEvent]:
    """Return by book the event of its publication; for a draft, of its creation."""
    events = _events(books, "price_book.publish", "price_book.draft").order_by("id")
    return {int(event.object_id): event for event in events}  # the later event counts


def _with_drafting(books: QuerySet[PriceBook]) -> QuerySet[PriceBook]:
    """Annotate each book with `drafted_at`, None if the log has no such event."""
    events = events_of("price_book.draft").filter(
        object_type="price_book", object_id=Cast(OuterRef("pk"), CharField())
    )
    drafted_at = Subquery(events.order_by("id").values("at")[:1])
    return books.annotate(drafted_at=drafted_at)  # type: ignore[no-redef]  # where it is declared


def price_book_in_full(number: int, now: datetime) -> PriceBook | None:
    """Return the book with its tenant, state, `list_name` and `drafted_at`; or None."""
    books = with_states(PriceBook.objects.select_related("tenant", "withdrawal"), now)
    return _with_drafting(books).filter(pk=number).first()


def published_since_drafted(book: PriceBook, books: Iterable[PriceBook]) -> list[PriceBook]:
    """Return the owner's books among these that were published after this draft was made.

    The draft must come from `price_book_in_full`.
    """
    drafted_at = book.drafted_at
    if drafted_at is None:
        return []
    return [
        other
        for other in books
        if other.tenant_id == book.tenant_id
        and other.published_at
        and other.published_at > drafted_at
    ]


def taken_over(now: datetime) -> list[tuple[PriceBook, PriceBook]]:
    """Return books in force that lately replaced another, each with the replaced one.

    Not those that put a former one back: the replaced one was the mistake.
    """
    since = now - PUT_BACK_FOR
    begun = decided_books().filter(effective_from__lte=now)
    lately = begun.filter(Q(effective_from__gt=since) | Q(published_at__gt=since))
    concerned = Q(tenant_id=None) | Q(tenant_id__in=lately.order_by().values("tenant_id"))
    former: dict[UUID | None, PriceBook] = {}
    taken: dict[UUID | None, tuple[PriceBook, PriceBook]] = {}
    lists = PriceList.objects.filter(id=OuterRef("tenant_id"))
    books = begun.select_related("tenant").filter(concerned)
    named = books.annotate(list_name=Subquery(lists.values("name")[:1]))  # type: ignore[no-redef]
    for book in named:
        before = former.get(book.tenant_id)
        taken.pop(book.tenant_id, None)  # only an owner's last book is in force
        if before is not None and since < _began(book):
            taken[book.tenant_id] = (book, before)
        former[book.tenant_id] = book
    lasts = [book.id for book, _ in taken.values()]
    back = _events(lasts, "price_book.publish").filter(after__has_key="restores")
    put_back = set(back.values_list("object_id", flat=True))
    shown = (pair for pair in taken.values() if str(pair[0].id) not in put_back)
    return sorted(shown, key=lambda pair: _began(pair[0]), reverse=True)


def _began(book: PriceBook) -> datetime:
    """Return a book's start: its date, or its publication if that was later."""
    return max(book.effective_from, book.published_at or book.effective_from)


def _events(books: Iterable[int], *actions: str) -> QuerySet[AuditEvent]:
    named = [str(book) for book in books]
    return events_of(*actions).filter(object_type="price_book", object_id__in=named)


def sold_by_cell(now: datetime, *, is_demo: bool = False) -> Mapping[PriceKey, Margin]:
    """Return all tenants' sales and costs of the last 30 days by price row, today included."""
    since = (now - LOOK_BACK).astimezone(UTC).date()
    return {
        (row.group["model"], row.group["asked"], row.group["quality"]): row
        for row in margins(by="cell", first=since, is_demo=is_demo)
    }


def image_cost(sold: Margin | None) -> Micros | None:
    """Return the mean cost of an image among those with a known cost; None if none was sold."""
    known = sold.images - sold.unknown_images if sold else 0
    return Micros(sold.cost // known) if sold and known > 0 else None


def costs_in_force(now: datetime, *, with_sandboxes: bool = True) -> Mapping[PriceKey, Micros]:
    """Return by cell, of models that are off too, the known cost at the dearest channel."""
    dearest: dict[PriceKey, Micros] = {}
    for cell in supply().served([now], also_off=True)[now]:
        if cell.cost.is_known and (with_sandboxes or not cell.is_sandbox):
            dearest[cell.key] = max(cell.cost.micros, dearest.get(cell.key, Micros(0)))
    return dearest


def rows_on_offer(book: PriceBook, model: str = "") -> list[BookRow]:
    """Return a book's rows; everyone's also a row of price 0 for each cell on offer without one.

    A named `model` counts as on offer even if it is off. A fixed price of `auto` has the pixels of
    the largest size, one of `any` those of a megapixel.
    """
    rows = rows_of(book)
    if book.tenant_id is not None:
        return rows
    offered = [
        replace(one, is_enabled=one.is_enabled or one.name == model) for one in offer().models()
    ]
    largest = {
        one.name: max(filter(None, map(sides_of, one.sizes)), key=prod, default=None)
        for one in offered
    }
    for key in unpriced_keys(rows, offered):
        of_words = {AUTO: largest[key[0]], ANY: (1024, 1024)}
        if sides := of_words.get(key[1], sides_of(key[1])):
            rows.append(BookRow(*key, Micros(0), *sides))
    return rows


def rows_with_one_model(owner: UUID | None, model: str, rows: Iterable[BookRow]) -> list[BookRow]:
    """Return these rows of that model, and the owner's prices in force of all others.

    Raises ValueError for a row of another model.
    """
    if others := sorted({row.model for row in rows} - {model}):
        raise ValueError(f"the file has prices of {', '.join(others)[:200]}, not only of {model}")
    present = rows_of(book_in_force(owner, clock.now()))
    return [*(row for row in present if row.model != model), *rows]


def known_costs(now: datetime) -> Callable[[PriceKey], Micros | None]:
    """Return a function for an image's cost: its 30-day mean, else that of the dearest channel."""
    sold, dearest = sold_by_cell(now), costs_in_force(now, with_sandboxes=False)

    def cost(key: PriceKey) -> Micros | None:
        lately = image_cost(sold.get(key))
        return dearest.get(key) if lately is None else lately

    return cost


@dataclass(frozen=True, slots=True)
class Weighed:
    """A price change and its effect on the sales of the last 30 days.

    Attributes:
        images: the number sold to the payers of this price.
        micros: the change in revenue, if each image comes as it was requested; None for reference
            images, formulas, and added or removed rows.
    """

    change: PriceChange
    images: int
    micros: Micros | None


def weigh_changes(
    book: PriceBook,
    changes: Sequence[PriceChange],
    now: datetime,
    *,
    rows: Collection[PriceKey],
    payers: Collection[UUID] | None,
    is_demo: bool = False,
) -> list[Weighed]:
    """Return a book's changes, those that move most money first; `payers` is as in `Beside`.

    Sales of sizes that are not among its `rows` count with its row of size `any`.
    """
    buyers = payers or ([] if book.tenant_id is None else [book.tenant_id])
    own, images = {*rows, *(change.key for change in changes)}, Counter[PriceKey]()
    for key, number in _images_of(book, now, buyers, rows=rows, is_demo=is_demo).items():
        images[key if key in own else (key[0], ANY, key[2])] += number
    weighed = [_weigh(change, images[change.key]) for change in changes]
    return sorted(
        weighed,
        key=lambda weighed: (-abs(weighed.micros or 0), -weighed.images, weighed.change.key),
    )


def _weigh(change: PriceChange, images: int) -> Weighed:
    was, becomes = change.was, change.becomes
    is_by_row = change.key[1] not in {REFERENCE, ANY} and all(
        row is not None and row.kind in {"fixed", "pixels"} for row in (was, becomes)
    )
    if not is_by_row or was is None or becomes is None:
        return Weighed(change, images, None)
    return Weighed(change, images, Micros((becomes.unit - was.unit) * images))


def _images_of(
    book: PriceBook,
    now: datetime,
    payers: Collection[UUID],
    *,
    rows: Collection[PriceKey],
    is_demo: bool,
) -> Mapping[PriceKey, int]:
    """Count by price row the images of 30 days sold to payers of this book's prices."""
    values = {
        "now": now,
        "since": (now - LOOK_BACK).astimezone(UTC).date(),
        "owner": book.tenant_id,
        "is_everyones": book.tenant_id is None,
        "payers": list(payers),
        "is_demo": is_demo,
        "reference": REFERENCE,
        "any": ANY,
        "own": [" ".join(key) for key in rows],
    }
    return {
        (model, size, quality): images
        for model, size, quality, images in all_rows(_SOLD_AT, values)
    }
