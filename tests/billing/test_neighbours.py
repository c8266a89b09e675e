"""The previous release, which knows no shared lists, beside a shared list's book.

Its statements are those of 9fb68fc, word for word: it never charges by a list's book, settles
requests priced by one, and finds nothing wrong with it.
"""

import json
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

import pytest
from django.db.models import Q

from accounts.models import AuditEvent
from billing.models import PriceBook
from billing.price_rows import BookRow
from billing.selectors import current_table, table_of
from billing.services.office.price_lists import assign_price_list, create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book
from pictor.kit.secrets.seals import microseconds
from pictor.kit.words import clock
from pictor.kit.words.money import Micros

pytestmark = pytest.mark.django_db


def publish(micros: int, *, name: str, owner: UUID | None = None) -> PriceBook:
    now = clock.now()
    draft = draft_price_book(
        name=name,
        rows=[BookRow("gpt-image-2", "1024x1024", "low", Micros(micros), 1024, 1024)],
        effective_from=now,
        markup=Decimal(1),
        tenant_id=owner,
        actor="test",
    )
    return publish_price_book(book=draft, actor="test", now=now)


@pytest.fixture
def shared(acme):
    """A list's book, begun after everyone's, for a tenant that has the list."""
    publish(100, name="standard")
    resellers = create_price_list(name="Resellers", actor="test")
    book = publish(90, name="resellers", owner=resellers.id)
    assign_price_list(tenant_id=acme.id, price_list=resellers, actor="test", now=clock.now())
    return book


def decided_there(tenant_id: UUID | None) -> list[PriceBook]:
    """`_decided` of 9fb68fc."""
    books = PriceBook.objects.filter(published_at__isnull=False, withdrawal__isnull=True)
    books = books.order_by("effective_from", "version", "id")
    return list(books.filter(Q(tenant_id=None) | Q(tenant_id=tenant_id)))


def in_force_there(tenant_id: UUID | None) -> list[str]:
    """`_standing` of 9fb68fc, by the books' names."""
    now, standing = clock.now() + timedelta(seconds=1), []
    for owner in dict.fromkeys((None, tenant_id)):
        latest = None
        for book in decided_there(tenant_id):
            if book.tenant_id == owner and book.effective_from <= now:
                latest = book
        standing += [] if latest is None else [latest.name]
    return standing


def digest_there(book: PriceBook) -> str:
    """`digest_of` of 9fb68fc."""
    rows = book.prices.order_by("model", "size", "quality").values_list(
        "model", "size", "quality", "micros", "kind", "width", "height"
    )
    facts = [
        book.name,
        book.version,
        book.currency,
        str(book.markup.normalize()),
        None if book.tenant_id is None else str(book.tenant_id),
        microseconds(book.effective_from),
        None if book.published_at is None else microseconds(book.published_at),
        [list(row) for row in rows],
    ]
    return sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def test_the_previous_release_charges_nobody_by_a_shared_list(acme, other, shared):
    everyones = [in_force_there(one) for one in (None, acme.id, other.id)]

    assert everyones == [["standard"]] * 3
    assert shared.tenant_id not in {None, acme.id, other.id}


def test_the_previous_release_settles_by_the_books_of_our_hold(acme, shared):
    held = current_table(acme.id, clock.now()).books

    found = PriceBook.objects.in_bulk(held)  # the form in which its `_build_table` looks for them

    assert held[1] == shared.id
    assert len(held) == 2
    assert all(found[book].published_at is not None for book in held)
    assert table_of(held).rows["gpt-image-2", "1024x1024", "low"].unit == 90


def test_the_previous_releases_proof_accepts_a_shared_list(shared):
    event = AuditEvent.objects.get(action="price_book.publish", object_id=str(shared.id))

    assert event.after is not None
    assert event.after["digest"] == digest_there(shared)
    assert event.tenant_id is None


def test_the_previous_release_still_lists_books_with_tenants(shared):
    there = {book.name: book.tenant for book in PriceBook.objects.select_related("tenant")}

    assert there == {"standard": None, "resellers": None}
