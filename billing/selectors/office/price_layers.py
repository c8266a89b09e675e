"""Books over one another: every owner's table in force, and what each layer changes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from billing.models import PriceBook, PriceList
from billing.price_changes import PriceChange
from billing.price_rows import PriceKey, PriceRow
from billing.pricing import PriceTable
from billing.selectors.office.price_lists import holding
from billing.selectors.price_books import decided_books, decided_for, standing
from billing.selectors.prices import merge, price_rows_of, tables_of


def tables_in_force(now: datetime) -> Mapping[UUID | None, PriceTable]:
    """Return everyone's table (None) and that of each tenant with a list's book or its own.

    Tenants with the same books share one table. Four queries.
    """
    in_force = {book.tenant_id: book for book in decided_books().filter(effective_from__lte=now)}
    lists = set(PriceList.objects.values_list("id", flat=True))
    assigned: Mapping[UUID | None, UUID | None]
    assigned = dict(holding().values_list("tenant_id", "price_list_id"))
    apart = {owner for owner in in_force if owner not in {None, *lists}}
    apart |= {tenant for tenant, shared in assigned.items() if shared in in_force}
    owners = (None, *apart) if None in in_force else tuple(apart)
    layers = [dict.fromkeys((None, assigned.get(owner), owner)) for owner in owners]
    tables = tables_of([[in_force[one] for one in each if one in in_force] for each in layers])
    return dict(zip(owners, tables, strict=True))


class Layer(NamedTuple):
    """A book in force, and its differences from the books below it.

    Attributes:
        same: the number of its prices that equal those below, and stay when those change.
    """

    book: PriceBook
    changes: Sequence[PriceChange]
    same: int


def layers_of(owner: UUID | None, now: datetime) -> list[Layer]:
    """Return everyone's book in force, and those over it for a tenant or a list. Two queries."""
    books = standing(decided_for(owner), owner, now)
    rows, below, layers = price_rows_of(books), dict[PriceKey, PriceRow](), list[Layer]()
    for book in books:
        own = rows.get(book.id, {})
        pairs = [PriceChange(key, below.get(key), row) for key, row in sorted(own.items())]
        changes = [pair for pair in pairs if pair.differs]
        layers.append(Layer(book, changes, len(pairs) - len(changes)))
        below |= own
    return layers


def prices_below(owner: UUID, now: datetime) -> Mapping[PriceKey, PriceRow]:
    """Return the prices below the owner's own book, for a tenant or a list. Two queries."""
    books = standing(decided_for(owner), owner, now)
    return merge([book for book in books if book.tenant_id != owner]).rows
