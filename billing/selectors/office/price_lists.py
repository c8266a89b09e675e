"""Shared price lists: all of them, a tenant's, and the tenants on one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet

from accounts.selectors.office.tenants import number_of_tenants
from billing.models import Price, PriceBook, PriceList, PriceListAssignment
from billing.selectors.price_books import CURRENT, SCHEDULED, with_states


class SharedList(NamedTuple):
    """A shared list as staff see it.

    Attributes:
        tenants: the number of tenants on it.
        book: its book in force; None if there is none.
        cells: the number of prices in that book.
        scheduled: the number of scheduled books.
    """

    price_list: PriceList
    tenants: int
    book: PriceBook | None
    cells: int
    scheduled: int


def holding() -> QuerySet[PriceListAssignment]:
    """Return each tenant's last assignment, unless that took its list away."""
    later = PriceListAssignment.objects.filter(
        tenant_id=OuterRef("tenant_id"), id__gt=OuterRef("id")
    )
    return PriceListAssignment.objects.filter(~Exists(later), price_list__isnull=False)


Held = Sequence[tuple[datetime, UUID | None]]
"""A tenant's lists over time, oldest first: the start of each and its id; None for no list."""


def lists_held() -> Mapping[UUID, Held]:
    """Return the list history of every tenant that ever had a shared list."""
    held: dict[UUID, list[tuple[datetime, UUID | None]]] = {}
    rows = PriceListAssignment.objects.order_by("id")
    for tenant, shared, since in rows.values_list("tenant_id", "price_list_id", "since"):
        held.setdefault(tenant, []).append((since, shared))
    return held


def list_of(tenant_id: UUID) -> PriceList | None:
    assignment = holding().filter(tenant_id=tenant_id).select_related("price_list").first()
    return assignment.price_list if assignment else None


def tenants_on(price_list: UUID) -> list[PriceListAssignment]:
    """Return the current assignments to a list with their tenants, by the tenant's name."""
    assignments = holding().filter(price_list_id=price_list).select_related("tenant")
    return list(assignments.order_by("tenant__name", "tenant_id"))


def list_history(tenant_id: UUID) -> list[PriceListAssignment]:
    """Return a tenant's assignments, newest first, each with its list."""
    assignments = PriceListAssignment.objects.filter(tenant_id=tenant_id).select_related(
        "price_list"
    )
    return list(assignments.order_by("-id"))


def price_list_named(name: str) -> PriceList | None:
    """Return the shared list with this name, ignoring case."""
    return PriceList.objects.filter(name__iexact=name.strip()).first()


def price_list_by_id(list_id: UUID) -> PriceList | None:
    return PriceList.objects.filter(id=list_id).first()


def lists_by_name() -> QuerySet[PriceList]:
    return PriceList.objects.order_by("name")


def price_lists_like(text: str, *, limit: int) -> list[PriceList]:
    """Return the shared lists with this text in their names, by name."""
    return list(lists_by_name().filter(name__icontains=text)[:limit])


def price_lists(now: datetime) -> list[SharedList]:
    """Return every shared list, by name. Three queries."""
    lists = list(lists_by_name())
    tenants = Counter(holding().values_list("price_list_id", flat=True))
    owned = PriceBook.objects.filter(tenant_id__in=[price_list.id for price_list in lists])
    books = with_states(owned.annotate(cells=Count("prices")), now)
    current = {book.tenant_id: book for book in books if book.state == CURRENT}
    scheduled = Counter(book.tenant_id for book in books if book.state == SCHEDULED)
    return [
        SharedList(
            price_list=price_list,
            tenants=tenants[price_list.id],
            book=(book := current.get(price_list.id)),
            cells=0 if book is None else book.cells,  # type: ignore[attr-defined]  # annotated
            scheduled=scheduled[price_list.id],
        )
        for price_list in lists
    ]


def moved_by(book: PriceBook) -> int:
    """Count the tenants a book concerns: those on its list, its own tenant, or all.

    Tenants with other prices over it are counted too.
    """
    if book.tenant_id is None:
        return number_of_tenants()
    if book.price_list is None:
        return 1
    return holding().filter(price_list_id=book.tenant_id).count()


def whose(book: PriceBook) -> str:
    """Name the payers of a book: `everyone`, `tenants on Resellers` or a tenant's name."""
    owner = book.owner
    return f"tenants on {owner}" if isinstance(owner, PriceList) else str(owner or "everyone")


def is_in_a_book(model: str) -> bool:
    """True if a price book, a draft perhaps, has prices of this model."""
    return Price.objects.filter(model=model).exists()
