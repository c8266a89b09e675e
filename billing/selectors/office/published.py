"""Compares price books, withdrawals and list assignments with the audit log."""

import json
from hashlib import sha256
from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.selectors import AUDIT_EVENTS
from accounts.selectors.office.tenants import has_tenant
from billing.models import PriceBook, PriceBookWithdrawal, PriceList, PriceListAssignment
from billing.selectors.office.findings import Finding
from pictor.kit.database.cursors import all_rows
from pictor.kit.secrets.seals import microseconds
from pictor.kit.words import ids

_DIGESTS = f"""
SELECT e.object_id, e.after ->> 'digest' FROM {AUDIT_EVENTS} AS e
 WHERE e.object_type = 'price_book' AND e.action IN ('price_book.publish', 'price_book.seal')
   AND e.after ? 'digest'
"""  # noqa: S608 - built from constants
_WITHDRAWALS = f"""
SELECT e.object_id, e.after ->> 'withdrawn_at' FROM {AUDIT_EVENTS} AS e
 WHERE e.object_type = 'price_book' AND e.action = 'price_book.withdraw'
"""  # noqa: S608 - built from constants
_ASSIGNMENTS = f"""
SELECT e.after ->> 'assignment', e.tenant_id, e.after ->> 'list', e.after ->> 'since'
  FROM {AUDIT_EVENTS} AS e WHERE e.action = 'price_list.assign'
"""  # noqa: S608 - built from constants


def digest_of(book: PriceBook) -> str:
    """Return a digest of a published book and all its prices, hexadecimal."""
    rows = book.prices.order_by("model", "size", "quality").values_list(
        "model", "size", "quality", "micros", "kind", "width", "height", "terms"
    )
    facts = [
        book.name,
        book.version,
        book.currency,
        # Normalized, since the database returns it with zeros behind.
        str(book.markup.normalize()),
        None if book.tenant_id is None else str(book.tenant_id),
        microseconds(book.effective_from),
        None if book.published_at is None else microseconds(book.published_at),
        [[*row] if terms is None else [*row, terms] for *row, terms in rows],
    ]
    return sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()


def recorded_digests() -> dict[str, set[str]]:
    """Return the digests of price books in the audit log, by book id."""
    digests: dict[str, set[str]] = {}
    for book_id, digest in all_rows(_DIGESTS):
        digests.setdefault(book_id, set()).add(digest)
    return digests


def price_findings() -> list[Finding]:
    """Return published books that differ from the audit log's record, or are gone.

    Books without an owner are found too: no foreign key requires the owner to exist.
    """
    recorded = recorded_digests()
    published = PriceBook.objects.filter(published_at__isnull=False).order_by("id")
    findings = []
    for book in published:
        digests = recorded.pop(str(book.id), None)
        if digests is None:
            message = "is published, but its publication was never audited (ledger_seal)"
            findings.append(_finding(book, message))
        elif digests != {digest_of(book)}:
            findings.append(_finding(book, "is not what was published"))
    findings.extend(
        Finding("prices", None, f"price_book {gone}", "was published and is gone")
        for gone in recorded
    )
    owned = PriceBook.objects.filter(tenant_id__isnull=False)
    lists = PriceList.objects.filter(id=OuterRef("tenant_id"))
    of_nobody = owned.exclude(has_tenant("tenant_id")).exclude(Exists(lists)).order_by("id")
    findings.extend(_finding(book, "belongs to nobody") for book in of_nobody)
    return findings


def withdrawal_findings() -> list[Finding]:
    """Return withdrawals that differ from the audit log, are gone, or came after the book began.

    Generations priced by a withdrawn book are found by the checks of generations.
    """
    recorded = dict(all_rows(_WITHDRAWALS))
    findings = []
    for withdrawal in PriceBookWithdrawal.objects.select_related("book").order_by("book_id"):
        audited = recorded.pop(str(withdrawal.book_id), None)
        if audited is None:
            findings.append(_finding(withdrawal.book, "is withdrawn, but that was never audited"))
        elif audited != withdrawal.withdrawn_at.isoformat():
            findings.append(_finding(withdrawal.book, "was not withdrawn when the audit log says"))
        if (
            withdrawal.book.published_at is None
            or withdrawal.book.effective_from <= withdrawal.withdrawn_at
        ):
            findings.append(
                _finding(withdrawal.book, "was no longer scheduled when it was withdrawn")
            )
    findings.extend(
        Finding("prices", None, f"price_book {book}", "was withdrawn, but no longer is")
        for book in recorded
    )
    return findings


def assignment_findings() -> list[Finding]:
    """Return tenants' list assignments that differ from the audit log, or are gone."""
    recorded = {number: tuple(audited) for number, *audited in all_rows(_ASSIGNMENTS)}
    findings = []
    for assignment in PriceListAssignment.objects.order_by("id"):
        audited = recorded.pop(str(assignment.id), None)
        shared = None if assignment.price_list_id is None else str(assignment.price_list_id)
        if audited is None:
            findings.append(_problem(str(assignment.id), assignment.tenant_id, "was never audited"))
        elif audited != (assignment.tenant_id, shared, assignment.since.isoformat()):
            findings.append(
                _problem(str(assignment.id), assignment.tenant_id, "is not what the audit log says")
            )
    findings.extend(
        _problem(gone, audited[0], "was made and is gone") for gone, audited in recorded.items()
    )
    return findings


def _problem(number: str, tenant_id: UUID | None, message: str) -> Finding:
    tenant = None if tenant_id is None else ids.public(ids.TENANT, tenant_id)
    return Finding("prices", tenant, f"price_list_assignment {number}", message)


def _finding(book: PriceBook, message: str) -> Finding:
    owner = None if book.price_list else book.tenant_id
    tenant = None if owner is None else ids.public(ids.TENANT, owner)
    return Finding("prices", tenant, f"price_book {book.id}", message)
