"""Bring an older ledger into the chain of seals. No transfer changes; only balances get a seal."""

from uuid import UUID

from django.db import transaction

from accounts.models import Tenant
from accounts.services import Actor, Subject, link_older_events, record
from billing.locks import account_for_update
from billing.models import PriceBook, TenantBalance
from billing.selectors.office.chain import (
    Position,
    TransferRange,
    links,
    older_costs,
    sealed_older_costs,
)
from billing.selectors.office.published import digest_of, recorded_digests
from billing.transfer_seals import first_seal


class SealBroken(Exception):
    """A transfer has a false seal, so nothing may be sealed on top of it."""


def seal_ledger(*, actor: Actor) -> int:
    """Seal every balance without a seal, and return their number.

    Also links audit events older than the chain. Safe to repeat, and to run while requests come.
    Raises SealBroken.
    """
    unsealed = TenantBalance.objects.filter(seal=None).values_list("tenant_id", flat=True)
    if older := link_older_events():
        record(Subject("audit_log", "older"), "ledger.seal", actor=actor, after={"events": older})
    _seal_older_costs(actor)
    _seal_older_books(actor)
    return sum(_seal(tenant_id, actor) for tenant_id in list(unsealed))


def _seal_older_costs(actor: Actor) -> None:
    """Keep one seal over the platform's transfers without a seal. Runs only once."""
    if sealed_older_costs() is not None:
        return
    older = older_costs()
    if older.seq:
        record(
            Subject("ledger", "platform"),
            "ledger.seal",
            actor=actor,
            after={"transfers": older.seq, "seal": older.seal.hex()},
        )


def _seal_older_books(actor: Actor) -> None:
    """Add the digests of earlier published books to the audit log."""
    recorded = recorded_digests()
    for book in PriceBook.objects.filter(published_at__isnull=False).order_by("id"):
        if str(book.id) not in recorded:
            record(book.audited, "price_book.seal", actor=actor, after={"digest": digest_of(book)})


def _seal(tenant_id: UUID, actor: Actor) -> bool:
    # Before the lock, so that requests wait only for the transfers added meanwhile.
    seq, seal = _walk(tenant_id, 0, first_seal(tenant_id))
    with transaction.atomic():
        balance = account_for_update(tenant_id)
        # Another run has sealed it since it was listed.
        if balance.seal is not None:
            return False
        seq, seal = _walk(tenant_id, seq, seal)
        TenantBalance.objects.filter(tenant_id=tenant_id).update(seal=seal)
        record(
            Tenant(id=tenant_id).audited,
            "ledger.seal",
            actor=actor,
            after={"seq": seq, "seal": seal.hex()},
        )
    return True


def _walk(tenant_id: UUID, seq: int, seal: bytes) -> tuple[int, bytes]:
    """Return the number and seal of the tenant's last transfer, starting from a known one."""
    for link in links([TransferRange(tenant_id, Position(seq, seal))]):
        # Transfers from before the chain carry no seal.
        if link.carried not in {None, link.computed}:
            raise SealBroken(f"transfer {link.transfer_id} does not carry its own seal")
        seq, seal = link.transfer.seq or seq, link.seal
    return seq, seal
