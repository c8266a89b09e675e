"""Price books: drafted, then published, then final. A change is a new version."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from accounts.services import Actor, record
from billing.models import Price, PriceBook
from billing.seed_prices import SeedRow

LIST_MARKUP = Decimal(1)


@transaction.atomic
def draft_price_book(
    *,
    name: str,
    rows: Sequence[SeedRow],
    effective_from: datetime,
    markup: Decimal = LIST_MARKUP,
    tenant_id: UUID | None = None,
) -> PriceBook:
    """The next version of a book, not yet in force: its prices can still be edited."""
    latest = PriceBook.objects.filter(name=name).aggregate(latest=Max("version"))["latest"]
    book = PriceBook.objects.create(
        name=name,
        version=(latest or 0) + 1,
        markup=markup,
        tenant_id=tenant_id,
        effective_from=effective_from,
    )
    Price.objects.bulk_create(
        Price(
            book=book,
            model=row.model,
            size=row.size,
            quality=row.quality,
            micros=row.micros,
            kind=row.kind,
            width=row.width,
            height=row.height,
        )
        for row in rows
    )
    return book


@transaction.atomic
def publish_price_book(
    *, book: PriceBook, actor: Actor, now: datetime, ip: str | None = None
) -> PriceBook:
    """Put a book in force from its effective date. It can never be changed again.

    Raises ValidationError for a book without prices or one published before.
    """
    if not book.prices.exists():
        raise ValidationError("the book has no prices")
    published = PriceBook.objects.filter(id=book.id, published_at=None).update(published_at=now)
    if not published:
        raise ValidationError("the book is published already")
    book.refresh_from_db()
    record(
        actor=actor,
        action="price_book.publish",
        object_type="price_book",
        object_id=str(book.id),
        tenant_id=book.tenant_id,
        after={
            "name": book.name,
            "version": book.version,
            "markup": str(book.markup),
            "effective_from": book.effective_from.isoformat(),
            "prices": book.prices.count(),
        },
        ip=ip,
    )
    return book
