"""Price books: drafted, then published, then final. A change is a new version.

Until it begins, a published book can be withdrawn.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Tenant
from accounts.services import By, Subject, record
from billing import locks
from billing.models import Price, PriceBook, PriceBookWithdrawal, PriceList
from billing.price_rows import BookRow, PriceKey, price_words
from billing.price_stops import UNCONFIRMED, Confirmed, Stops
from billing.selectors import book_in_force, decided_books, following, rows_of
from billing.selectors.office.price_lists import whose
from billing.selectors.office.price_stops import (
    faults_of,
    outlook_of,
    read_beside,
    stops_of,
    stops_of_withdrawal,
)
from billing.selectors.office.published import digest_of
from billing.selectors.prices import too_dear
from pictor.kit.words import clock

LIST_MARKUP = Decimal(1)
SEEN_ANOTHER, NEEDS_CONFIRMATION = "seen_another", "unconfirmed"
"""The error code for facts that have changed since they were shown."""


@transaction.atomic
def draft_price_book(
    *,
    name: str,
    rows: Sequence[BookRow] | None = None,
    effective_from: datetime,
    markup: Decimal | None = None,
    tenant_id: UUID | None = None,
    is_once: bool = False,
    **by: Unpack[By],
) -> PriceBook:
    """Draft the next version of a book, not yet in force: it can still be changed.

    `tenant_id` is its owner: a tenant's id, a shared list's, or None for everyone. Without `rows`
    or `markup` it begins with those of the owner's book in force; the markup is 1 if there is none.
    With `is_once`, returns the latest version if that is such a draft already. Raises
    ValidationError for an empty name, another owner's name, a negative markup, an unknown owner,
    or a charge that is too large.
    """
    locks.decisions_on_prices()  # two drafts at once get two versions
    present = book_in_force(tenant_id, clock.now())
    if rows is None:
        rows = rows_of(present)
    if markup is None:
        markup = present.markup if present else LIST_MARKUP
    latest = PriceBook.objects.filter(name=name).order_by("-version").first()
    if is_once and latest and _is_such_a_draft(latest, rows, markup, tenant_id):
        return latest
    book = PriceBook(
        name=name,
        version=latest.version + 1 if latest else 1,
        markup=markup,
        tenant_id=tenant_id,
        effective_from=effective_from,
    )
    _check_book(book)
    check_charges(rows, markup)
    book.save(force_insert=True)
    Price.objects.bulk_create(_price(book, row) for row in rows)
    after = {**_describe(book), "prices": len(rows)}
    record(book.audited, "price_book.draft", after=after, **by)
    return book


def _is_such_a_draft(
    book: PriceBook, rows: Sequence[BookRow], markup: Decimal, tenant_id: UUID | None
) -> bool:
    is_same = (book.published_at, book.markup, book.tenant_id) == (None, markup, tenant_id)
    return is_same and set(rows_of(book)) == set(rows)


@transaction.atomic
def change_price_book(
    *,
    book: PriceBook,
    effective_from: datetime,
    markup: Decimal,
    tenant_id: UUID | None,
    **by: Unpack[By],
) -> None:
    """Change a draft's terms; without a change, nothing is written.

    Raises ValidationError for a negative markup, an unknown owner, a published book, or a charge
    that is too large.
    """
    _lock_draft(book)
    before = _describe(book)
    book.effective_from, book.markup, book.tenant_id = effective_from, markup, tenant_id
    after = _describe(book)
    if after == before:
        return
    _check_book(book)
    check_charges(rows_of(book), markup)
    book.save(update_fields=["effective_from", "markup", "tenant"])
    record(book.audited, "price_book.change", before=before, after=after, **by)


@transaction.atomic
def set_prices(
    *,
    book: PriceBook,
    rows: Sequence[BookRow] = (),
    removed: Iterable[PriceKey] = (),
    **by: Unpack[By],
) -> None:
    """Remove rows of a draft, then write others; a row of the same cell is replaced.

    Raises ValidationError for an invalid row, a published book, or a charge that is too large.
    """
    _lock_draft(book)
    check_charges(rows, book.markup)
    known = {price.key: price for price in book.prices.all()}
    touched = dict.fromkeys((*removed, *(row.key for row in rows)))
    before = {_words(key): _describe_price(known[key]) for key in touched if key in known}
    book.prices.filter(id__in=[known[key].id for key in touched if key in known]).delete()
    prices = [_price(book, row) for row in rows]
    for price in prices:
        # Its validators say the same as its constraints, each of which would ask the database.
        price.full_clean(exclude=["book"], validate_unique=False, validate_constraints=False)
    Price.objects.bulk_create(prices)
    after = {_words(price.key): _describe_price(price) for price in prices}
    if after != before:
        record(book.audited, "price_book.prices", before=before, after=after, **by)


@transaction.atomic
def discard_price_book(*, book: PriceBook, **by: Unpack[By]) -> None:
    """Delete a draft and its rows. Raises ValidationError for a published book."""
    _lock_draft(book)
    before = {**_describe(book), "prices": book.prices.count()}
    # First: a deleted book has no id to record.
    record(book.audited, "price_book.discard", before=before, **by)
    book.delete()


@transaction.atomic
def publish_price_book(
    *,
    book: PriceBook,
    now: datetime,
    begins: datetime | None = None,
    confirmed: Confirmed = UNCONFIRMED,
    seen: str | None = None,
    restores: str = "",
    **by: Unpack[By],
) -> PriceBook:
    """Put a book in force from its effective date, or now if another one began since.

    It can never be changed again. Raises ValidationError, with every reason, for everyone's book
    without prices, a published book, and one that leaves an offered cell without a price, sells one
    for nothing, or has other pixels than its sizes; and, unless `confirmed`, if a price falls below
    cost, or changes by more than half for a model that sold lately. `begins` replaces the draft's
    date, and may not be in the past. Raises it also if `outlook_of` has changed from `seen`. The
    audit log names the former book that it `restores`.
    """
    locks.decisions_on_prices()
    _lock_draft(book)
    _check_seen(book, seen, now)
    if begins is not None:
        if begins < now:
            raise ValidationError("the date is in the past: prices begin now, or later")
        book.effective_from = begins
    if faults := faults_of(book):
        raise ValidationError("; ".join(faults))
    overtaken = decided_books().filter(
        Q(tenant_id=book.tenant_id), effective_from__range=(book.effective_from, now)
    )
    if overtaken.exists():
        book.effective_from = now  # dated before one that began since, it would never be in force
    confirm(_subject(book), stops_of(book, now), confirmed, **by)
    PriceBook.objects.filter(id=book.id).update(
        published_at=now, effective_from=book.effective_from
    )
    book.refresh_from_db()
    after = {**_describe(book), "prices": book.prices.count(), "digest": digest_of(book)}
    after |= {"restores": restores} if restores else {}
    record(book.audited, "price_book.publish", after=after, **by)
    return book


@transaction.atomic
def restore_price_book(
    *,
    book: PriceBook,
    now: datetime,
    confirmed: Confirmed = UNCONFIRMED,
    withdrawn: Sequence[PriceBook] = (),
    seen: str | None = None,
    **by: Unpack[By],
) -> PriceBook:
    """Put a former book in force again: its rows as a new version, published now.

    Everyone's prices of models added since stay. Later books of the same owner can be `withdrawn`
    with it. Raises ValidationError for a draft,
    for a book that was never in force, and like `publish_price_book`.
    """
    if book.published_at is None:
        raise ValidationError("the book is a draft: publish it")
    if PriceBookWithdrawal.objects.filter(book=book).exists():
        raise ValidationError("the book was withdrawn: it was never in force")
    if book.effective_from > now:
        raise ValidationError("the book is scheduled: it has not been in force yet")
    locks.decisions_on_prices()
    _check_seen(book, seen, now)
    scheduled = {later.id for later in following(book.tenant_id, now)}
    # First, so that the restored book is judged by those that remain.
    for later in withdrawn:
        if later.id not in scheduled:
            raise ValidationError(f"{later.known_as} does not take over later")
        _note_withdrawal(_take_back(later), **by)
    again = draft_price_book(
        name=book.name,
        rows=read_beside(book, now).rows[book.id],
        effective_from=now,
        markup=book.markup,
        tenant_id=book.tenant_id,
        **by,
    )
    return publish_price_book(
        book=again, now=now, confirmed=confirmed, restores=book.known_as, **by
    )


@transaction.atomic
def withdraw_price_book(
    *,
    book: PriceBook,
    confirmed: Confirmed = UNCONFIRMED,
    seen: str | None = None,
    **by: Unpack[By],
) -> PriceBookWithdrawal:
    """Withdraw a scheduled book: it will never be in force, and the one before it stays.

    Raises ValidationError for a draft, a withdrawn book, and one that has begun by the database's
    clock; and, unless `confirmed`, if the next book then changes a price of a model that sold
    lately by more than half, or if the remaining prices are below cost and this book's were not.
    """
    locks.decisions_on_prices()
    _check_seen(book, seen, clock.now())
    withdrawal = _take_back(book)
    confirm(_subject(book), stops_of_withdrawal(book, clock.now()), confirmed, **by)
    _note_withdrawal(withdrawal, **by)
    return withdrawal


def _take_back(book: PriceBook) -> PriceBookWithdrawal:
    """Withdraw a book without an audit event. Raises ValidationError like `withdraw_price_book`."""
    if book.published_at is None:
        raise ValidationError("the book is a draft: it does not begin by itself")
    if PriceBookWithdrawal.objects.filter(book=book).exists():
        raise ValidationError("the book is withdrawn already")
    try:
        with transaction.atomic():
            withdrawal = PriceBookWithdrawal.objects.create(book=book)
    except IntegrityError as error:  # as pictor_withdrawn_before_it_begins raises it
        raise ValidationError(
            "the book has begun: to charge other prices, publish or restore another one"
        ) from error
    return withdrawal


def _note_withdrawal(withdrawal: PriceBookWithdrawal, **by: Unpack[By]) -> None:
    withdrawal.refresh_from_db()
    book = withdrawal.book
    after = {**_describe(book), "withdrawn_at": withdrawal.withdrawn_at.isoformat()}
    record(book.audited, "price_book.withdraw", after=after, **by)


def _check_seen(book: PriceBook, seen: str | None, now: datetime) -> None:
    """Raise ValidationError if the facts have changed since they were shown."""
    if seen is not None and seen != outlook_of(book, now):
        raise ValidationError("prices have changed since these were shown", code=SEEN_ANOTHER)


def check_charges(rows: Sequence[BookRow], markup: Decimal) -> None:
    """Raise ValidationError if prices are more than can be held with this markup."""
    if dear := too_dear(rows, markup):
        raise ValidationError(
            f"with the markup {markup.normalize():f} more than nine billion USD would be charged"
            f" for: {price_words(dear)}"
        )


def confirm(what: Subject, stops: Stops, confirmed: Confirmed, **by: Unpack[By]) -> None:
    """Raise ValidationError for unconfirmed changes; otherwise record a reason, about `what`.

    The reason is the operator's: `what` belongs to no tenant, so no tenant's audit log shows it.
    """
    if refusal := stops.refusal(confirmed):
        raise ValidationError(refusal, code=NEEDS_CONFIRMATION)
    if not (reason := confirmed.reason.strip()):
        return
    after = {
        "reason": reason,
        "changes": stops.number_of_changes or 0,
        "large": sum(len(step.large) for step in stops.steps),
        "below_cost": len(stops.below),
    }
    record(what, f"{what.type}.confirm", after=after, **by)


def _subject(book: PriceBook) -> Subject:
    return Subject("price_book", str(book.id))


def _check_book(book: PriceBook) -> None:
    """Raise ValidationError for terms that no book may have."""
    book.full_clean(exclude=["tenant"])  # its id may be a list's
    named = PriceBook.objects.filter(name=book.name)
    having = set(named.values_list("tenant_id", flat=True))
    if having and book.tenant_id not in having:
        taken = f"{book.name!r} is the name of other prices, for {whose(named[0])}"
        raise ValidationError({"name": taken})
    owners = (Tenant, PriceList)
    if book.tenant_id is not None and not any(
        kind.objects.filter(id=book.tenant_id).exists() for kind in owners
    ):
        raise ValidationError("there is no such tenant or list")


def _lock_draft(book: PriceBook) -> None:
    """Lock the draft to the transaction's end, and read its columns anew: they may be old.

    Raises ValidationError if it is not a draft.
    """
    drafts = PriceBook.objects.select_for_update().filter(published_at=None)
    try:
        book.refresh_from_db(from_queryset=drafts)
    except PriceBook.DoesNotExist:
        raise ValidationError("the book is published already") from None


def _describe(book: PriceBook) -> dict[str, object]:
    """Describe a book for an audit event of its tenant."""
    shared = book.price_list
    is_a_tenants = book.tenant_id is not None and shared is None
    of_list = {} if shared is None else {"price_list": shared.name}
    return {
        "name": book.name,
        "version": book.version,
        "markup": str(book.markup.normalize()),
        "effective_from": book.effective_from.isoformat(),
        "tenant": str(book.tenant_id) if is_a_tenants else None,
        **of_list,
    }


def _price(book: PriceBook, row: BookRow) -> Price:
    terms = None if row.terms is None else row.terms.as_json()
    return Price(book=book, **{**asdict(row), "terms": terms})


def _describe_price(price: Price) -> dict[str, object]:
    names = ("micros", "kind", "width", "height", *(["terms"] if price.terms else []))
    return {name: getattr(price, name) for name in names}


def _words(key: PriceKey) -> str:
    return " ".join(key)
