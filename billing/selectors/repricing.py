"""Facts beside a price book's rows: its events, the images sold at its prices, their cost."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast

from accounts.models import AuditEvent
from billing.models import PriceBook, PriceList
from billing.price_changes import PriceChange
from billing.pricing import REFERENCE, PriceKey
from billing.selectors.price_books import decided, state_of
from billing.selectors.sold import Margin, margins
from billing.supply import supply
from pictor.kit.words.money import Micros

LOOK_BACK = timedelta(days=30)
_OVER_EVERYONES = """
WITH owned AS (
    SELECT DISTINCT ON (b.tenant_id) b.id, b.tenant_id
      FROM billing_pricebook AS b LEFT JOIN billing_pricebookwithdrawal AS w ON w.book_id = b.id
     WHERE b.tenant_id IS NOT NULL AND b.published_at IS NOT NULL AND w.book_id IS NULL
       AND b.effective_from <= %s
     ORDER BY b.tenant_id, b.effective_from DESC, b.version DESC, b.id DESC
), held AS (
    SELECT DISTINCT ON (tenant_id) tenant_id, price_list_id
      FROM billing_pricelistassignment ORDER BY tenant_id, id DESC
)
SELECT COALESCE(held.tenant_id, owned.tenant_id), owned.tenant_id, p.model, p.size, p.quality
  FROM owned JOIN billing_price AS p ON p.book_id = owned.id
  LEFT JOIN held ON held.price_list_id = owned.tenant_id
"""
"""SQL: the payers of prices that are not everyone's, with the owner: themselves or their list."""
_SOLD = """
SELECT CASE WHEN tenant_id = ANY(%s) THEN tenant_id END, model, asked, quality, SUM(images)::bigint
  FROM billing_soldday WHERE day >= %s AND images > 0 AND is_demo = %s AND asked <> %s
 GROUP BY 1, 2, 3, 4
"""
PUT_BACK_FOR = timedelta(hours=24)
"""The overview links to the previous book for this long after another took over."""


def last_repricing(book: PriceBook) -> AuditEvent | None:
    """Return the last event that changed a draft's prices."""
    return _events([book.id], "price_book.prices").order_by("-id").first()


def decided_by(books: Iterable[int]) -> Mapping[int, AuditEvent]:
    """Return by book the event of its publication; for a draft, of its creation."""
    events = _events(books, "price_book.publish", "price_book.draft").order_by("id")
    return {int(event.object_id): event for event in events}


def _with_drafting(books: QuerySet[PriceBook]) -> QuerySet[PriceBook]:
    """Annotate each book with `drafted_at`, None if the log has no such event, and `list_name`."""
    events = AuditEvent.objects.filter(
        object_type="price_book",
        object_id=Cast(OuterRef("pk"), CharField()),
        action="price_book.draft",
    )
    lists = PriceList.objects.filter(id=OuterRef("tenant_id"))
    return books.annotate(  # type: ignore[no-redef]  # where the model declares them
        drafted_at=Subquery(events.order_by("id").values("at")[:1]),
        list_name=Subquery(lists.values("name")[:1]),
    )


def price_book_in_full(number: int, now: datetime) -> PriceBook | None:
    """Return the book with its tenant, withdrawal, state, `drafted_at` and `list_name`; or None."""
    books = _with_drafting(PriceBook.objects.select_related("tenant", "withdrawal"))
    found = books.filter(pk=number).first()
    if found is not None:
        found.state = state_of(found, now)
    return found


def published_since_drafted(book: PriceBook, books: Iterable[PriceBook]) -> list[PriceBook]:
    """Return the owner's books among these that were published after this draft was made.

    The draft must come from `price_book_in_full`.
    """
    drafted_at = book.drafted_at
    if drafted_at is None:
        return []
    return [
        one
        for one in books
        if one.tenant_id == book.tenant_id and one.published_at and one.published_at > drafted_at
    ]


def taken_over(now: datetime) -> list[tuple[PriceBook, PriceBook]]:
    """Return books in force that lately replaced another, each with the replaced one."""
    since = now - PUT_BACK_FOR
    begun = decided().filter(effective_from__lte=now)
    lately = begun.filter(Q(effective_from__gt=since) | Q(published_at__gt=since))
    concerned = Q(tenant_id=None) | Q(tenant_id__in=lately.order_by().values("tenant_id"))
    former: dict[UUID | None, PriceBook] = {}
    found: dict[UUID | None, tuple[PriceBook, PriceBook]] = {}
    lists = PriceList.objects.filter(id=OuterRef("tenant_id"))
    books = begun.select_related("tenant").filter(concerned)
    named = books.annotate(list_name=Subquery(lists.values("name")[:1]))  # type: ignore[no-redef]
    for book in named:
        before = former.get(book.tenant_id)
        found.pop(book.tenant_id, None)
        if before is not None and since < _began(book):
            found[book.tenant_id] = (book, before)
        former[book.tenant_id] = book
    return sorted(found.values(), key=lambda pair: _began(pair[0]), reverse=True)


def _began(book: PriceBook) -> datetime:
    """Return a book's start: its date, or its publication if that was later."""
    return max(book.effective_from, book.published_at or book.effective_from)


def _events(books: Iterable[int], *actions: str) -> QuerySet[AuditEvent]:
    named = [str(book) for book in books]
    return AuditEvent.objects.filter(
        object_type="price_book", object_id__in=named, action__in=actions
    )


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


def known_costs(now: datetime) -> Callable[[PriceKey], Micros | None]:
    """Return a function for an image's cost: its 30-day mean, else that of the dearest channel."""
    sold = sold_by_cell(now)
    dearest: dict[PriceKey, Micros] = {}
    for one in supply().served(now):
        if one.cost.is_known and not one.is_sandbox:
            dearest[one.key] = max(one.cost.micros, dearest.get(one.key, Micros(0)))

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


def weighed(
    book: PriceBook,
    changes: Sequence[PriceChange],
    now: datetime,
    *,
    payers: Collection[UUID] | None,
    is_demo: bool = False,
) -> list[Weighed]:
    """Return a book's changes, those that move most money first; `payers` is as in `Beside`."""
    images = _images_of(book, now, _over(book, now, payers or ()), is_demo=is_demo)
    found = [_weighed(change, images.get(change.key, 0)) for change in changes]
    return sorted(found, key=lambda one: (-abs(one.micros or 0), -one.images, one.change.key))


def _weighed(change: PriceChange, images: int) -> Weighed:
    was, becomes = change.was, change.becomes
    is_by_row = change.key[1] != REFERENCE and all(
        row is not None and row.kind == "fixed" for row in (was, becomes)
    )
    if not is_by_row or was is None or becomes is None:
        return Weighed(change, images, None)
    return Weighed(change, images, Micros((becomes.unit - was.unit) * images))


def _images_of(
    book: PriceBook, now: datetime, over: Mapping[UUID, set[PriceKey]], *, is_demo: bool
) -> Mapping[PriceKey, int]:
    """Count by price row the images of 30 days sold to payers of this book's prices.

    Images that other prices over this book's apply to are left out.
    """
    since = (now - LOOK_BACK).astimezone(UTC).date()
    images: dict[PriceKey, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SOLD, [list(over), since, is_demo, REFERENCE])
        for tenant, model, asked, quality, number in cursor:
            key = (model, asked, quality)
            if key not in over[tenant] if tenant else book.tenant_id is None:
                images[key] = images.get(key, 0) + number
    return images


def _over(book: PriceBook, now: datetime, payers: Collection[UUID]) -> Mapping[UUID, set[PriceKey]]:
    """Return the tenants to count separately, each with the price rows that lie over this book's.

    For everyone's book these are all tenants with prices of their own or a list's, for a list the
    tenants on it, for a tenant's book that tenant.
    """
    found: dict[UUID, set[PriceKey]] = {}
    if book.tenant_id is not None:
        found = {one: set() for one in payers or [book.tenant_id]}
    with connection.cursor() as cursor:
        cursor.execute(_OVER_EVERYONES, [now])
        for payer, owner, *key in cursor:
            is_over = book.tenant_id is None or (payer == owner and payer != book.tenant_id)
            if book.tenant_id is None or payer in found:
                found.setdefault(payer, set()).update([tuple(key)] if is_over else [])
    return found
