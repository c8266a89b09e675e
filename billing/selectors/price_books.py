"""Price books: those decided, the one in force, and those to follow it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Greatest

from accounts.models import Tenant
from billing.models import PriceBook, PriceBookWithdrawal, PriceList, PriceListAssignment
from pictor.kit.database.cursors import first_column

MAX_NAME = 60
WITHDRAWAL_IS_SAID_FOR = timedelta(days=30)

DRAFT, SCHEDULED, CURRENT, PAST, WITHDRAWN = "draft", "scheduled", "current", "past", "withdrawn"
"""The states of a book; each owner has at most one current book."""

_SETTLED = "SELECT statement_timestamp() FROM billing_pricebook WHERE id = ANY(%s) FOR SHARE"


def decided_books() -> QuerySet[PriceBook]:
    """Return published, unwithdrawn books in the order in which they take over."""
    books = PriceBook.objects.filter(published_at__isnull=False, withdrawal__isnull=True)
    return books.order_by("effective_from", "version", "id")


def with_states(books: QuerySet[PriceBook], now: datetime) -> QuerySet[PriceBook]:
    """Annotate each book with its `state` and `list_name`.

    The state is DRAFT, SCHEDULED, CURRENT, PAST or WITHDRAWN.
    """
    lists = PriceList.objects.filter(id=OuterRef("tenant_id"))
    begun = decided_books().filter(effective_from__lte=now)
    lasts = begun.order_by("tenant_id", "-effective_from", "-version", "-id")
    in_force = lasts.distinct("tenant_id").values("id")  # one of each owner
    return books.annotate(  # type: ignore[no-redef]  # where the model declares it
        state=Case(
            When(published_at=None, then=Value(DRAFT)),
            When(withdrawal__isnull=False, then=Value(WITHDRAWN)),
            When(effective_from__gt=now, then=Value(SCHEDULED)),
            When(id__in=in_force, then=Value(CURRENT)),
            default=Value(PAST),
        ),
        list_name=Subquery(lists.values("name")[:1]),
    )


def state_of(book: PriceBook, now: datetime) -> str:
    if book.published_at is None:
        return DRAFT
    if hasattr(book, "withdrawal"):  # without a row, the relation raises AttributeError
        return WITHDRAWN
    if book.effective_from > now:
        return SCHEDULED
    return CURRENT if book == book_in_force(book.tenant_id, now) else PAST


def price_books(now: datetime, *, limit: int | None = None) -> list[PriceBook]:
    """Return books with their states, the latest first, drafts too; all without a limit."""
    books = with_states(PriceBook.objects.select_related("tenant"), now)
    return list(books.order_by("-effective_from", "name", "-version")[:limit])


def decided_for(tenant_id: UUID | None) -> list[PriceBook]:
    """Return decided books of everyone, of the tenant's list and of the tenant, as they take over.

    For the id of a list: everyone's and the list's.
    """
    whose = Q(tenant_id=None)
    if tenant_id is not None:
        # A list's book has the list's id where others have a tenant's (ADR 0057).
        whose |= Q(tenant_id=tenant_id) | Q(tenant_id__in=list_id_of(tenant_id))
    return list(decided_books().filter(whose))


def list_id_of(tenant_id: UUID) -> "QuerySet[PriceListAssignment, UUID | None]":
    """A subquery for the id of the tenant's shared list, or None."""
    assigned = PriceListAssignment.objects.filter(tenant_id=tenant_id).order_by("-id")
    return assigned.values_list("price_list_id", flat=True)[:1]


def standing(books: Sequence[PriceBook], owner: UUID | None, now: datetime) -> list[PriceBook]:
    """Return the books in force among these: everyone's, then a list's, then the owner's."""
    shared = {book.tenant_id for book in books} - {None, owner}
    # The layers from below: everyone's, the list's, its own (ADR 0057).
    owners = dict.fromkeys((None, *shared, owner))
    return [book for owned_by in owners if (book := last_of(books, owned_by, now)) is not None]


def book_in_force(tenant_id: UUID | None, now: datetime) -> PriceBook | None:
    """Return the owner's book in force: everyone's for None, else the tenant's or the list's."""
    return last_of(decided_for(tenant_id), tenant_id, now)


def last_of(books: Iterable[PriceBook], owner: UUID | None, now: datetime) -> PriceBook | None:
    """Return the last of these books that is the owner's and not in the future."""
    latest = None
    # Decided books come in the order in which they take over.
    for book in books:
        if book.tenant_id == owner and book.effective_from <= now:
            latest = book
    return latest


def is_former(book: PriceBook, now: datetime) -> bool:
    """True for a book of everyone's that has begun: put back, it keeps models added since."""
    return book.tenant_id is None and book.published_at is not None and book.effective_from <= now


def last_change(now: datetime) -> datetime | None:
    """Return the time at which a book of any owner last came into force."""
    begun = decided_books().filter(effective_from__lte=now)
    # A book published after its date begins with its publication.
    later = begun.aggregate(last=Max(Greatest("effective_from", "published_at")))
    last: datetime | None = later["last"]
    return last


def following(tenant_id: UUID | None, moment: datetime) -> list[PriceBook]:
    """Return the owner's decided books that take over after that moment, in order."""
    return coming(decided_for(tenant_id), tenant_id, moment)


def coming(books: Iterable[PriceBook], owner: UUID | None, moment: datetime) -> list[PriceBook]:
    """Return those of these books that are the owner's and begin after that moment, in order."""
    return [book for book in books if book.tenant_id == owner and book.effective_from > moment]


def withdrawals(tenant_id: UUID | None, now: datetime) -> list[PriceBookWithdrawal]:
    """Return withdrawals in the last 30 days of books announced to a tenant or to everyone.

    The latest withdrawal comes first, each with its book.
    """
    whose = Q(book__tenant_id=None)
    if tenant_id is not None:
        whose |= Q(book__tenant_id=tenant_id)
        assigned = PriceListAssignment.objects.filter(tenant_id=tenant_id).order_by("-id").first()
        if assigned is not None and assigned.price_list_id is not None:
            of_list = Q(book__tenant_id=assigned.price_list_id)
            whose |= of_list & Q(withdrawn_at__gte=assigned.since)  # not before it had the list
    rows = PriceBookWithdrawal.objects.select_related("book").filter(
        whose, withdrawn_at__gt=now - WITHDRAWAL_IS_SAID_FOR
    )
    return list(rows.order_by("-withdrawn_at", "book_id"))


def settled_time(books: Sequence[PriceBook], now: datetime) -> datetime:
    """Return the present by the slower of the caller's and the database's clocks.

    Books that begin by then can no longer be withdrawn. Waits for a withdrawal of these books that
    is being committed; the caller must then read the books again.
    """
    moments: list[datetime] = first_column(_SETTLED, [[book.id for book in books]])
    return min([now, *moments])


def book_named(name: str, version: int) -> PriceBook | None:
    return PriceBook.objects.select_related("tenant").filter(name=name, version=version).first()


def price_book_by_id(number: int | None) -> PriceBook | None:
    return None if number is None else PriceBook.objects.filter(pk=number).first()


def price_books_like(text: str, *, version: int | None, limit: int) -> list[PriceBook]:
    """Return the books with this text in their names, by name, the latest version first.

    With a version, also that version of the book before the text's last colon.
    """
    named = Q(name__icontains=text)
    if version is not None:
        named |= Q(name__iexact=text.rpartition(":")[0], version=version)
    return list(PriceBook.objects.filter(named).order_by("name", "-version")[:limit])


def books_owned_by(owner: UUID, now: datetime, *, limit: int) -> list[PriceBook]:
    """Return the books of a list or of a tenant with their states, the latest first."""
    books = with_states(PriceBook.objects.filter(tenant_id=owner), now)
    return list(books.order_by("-effective_from", "-version")[:limit])


def own_book_name(tenant: Tenant) -> str:
    """Return a name for a tenant's first own book: the tenant's or, if taken, its public id."""
    name = tenant.name[:MAX_NAME].strip()
    taken = PriceBook.objects.filter(name=name).exclude(tenant_id=tenant.id)
    return tenant.public_id if taken.exists() else name


def books_of(books: Sequence[int]) -> list[PriceBook]:
    by_id = PriceBook.objects.in_bulk(books)
    return [by_id[book] for book in books if book in by_id]


def has_price_books() -> bool:
    """True if any price book exists, drafts included."""
    return PriceBook.objects.exists()
