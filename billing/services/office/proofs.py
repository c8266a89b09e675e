"""The results of proofs of the ledger (checkpoints and findings), and one proof at a time."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import date, datetime, timedelta

from django.db import transaction

from billing import locks
from billing.models import LedgerCheckpoint, LedgerHead, LedgerProof
from billing.selectors.office.checkpoints import Checkpoints, kept_by_name, mark_of
from billing.selectors.office.findings import MAX_FINDINGS_PER_CHECK, Finding
from pictor.kit.database import lock_numbers
from pictor.kit.words import clock

LEAST_BETWEEN_PROOFS = {
    LedgerProof.Kind.SINCE_CHECKPOINT: timedelta(minutes=30),
    LedgerProof.Kind.WHOLE: timedelta(hours=20, minutes=30),
}
"""A proof is due this long after the last one began, because each worker has its own hour.

The whole proof may be cut off once, or take two hours, and still ends within a day.
"""


def is_due(kind: LedgerProof.Kind, *, now: datetime, since: datetime | None = None) -> bool:
    """True if the last finished proof began long enough ago, or is dated in the future.

    With `since`, long enough ago means before it.
    """
    lately = (since or now - LEAST_BETWEEN_PROOFS[kind], now)
    return not LedgerProof.objects.filter(kind=kind, began_at__range=lately).exists()


def alone(kind: LedgerProof.Kind) -> AbstractContextManager[bool]:
    """Yield whether this process may prove now; another that proves already is not waited for."""
    return lock_numbers.alone(locks.PROOF_LOCKS[kind])


@transaction.atomic
def keep_checkpoints(reached: Checkpoints) -> None:
    """Keep a clean proof's checkpoints. None moves back; those with a false mark are deleted."""
    locks.checkpoints()
    kept, forged = kept_by_name()
    LedgerCheckpoint.objects.filter(name__in=forged).delete()
    further = [
        LedgerCheckpoint(
            name=name,
            seq=at.seq,
            seal=at.seal,
            available=at.available,
            held=at.held,
            owed=at.owed,
            mark=mark_of(name, at),
        )
        for name, at in reached.by_name().items()
        # A whole proof that ends behind an hourly one must not hide missing transfers between.
        if name not in kept or at.seq > kept[name].seq
    ]
    LedgerCheckpoint.objects.bulk_create(
        further,
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["seq", "seal", "available", "held", "owed", "mark"],
    )


def record_proof(
    kind: LedgerProof.Kind, *, began_at: datetime, findings: Collection[Finding]
) -> LedgerProof:
    """Record a finished proof with its first findings."""
    facts = [asdict(finding) for finding in list(findings)[:MAX_FINDINGS_PER_CHECK]]
    proof, _ = LedgerProof.objects.update_or_create(
        kind=kind,
        defaults={
            "began_at": began_at,
            "ended_at": clock.now(),
            "found": len(findings),
            "findings": facts,
        },
    )
    return proof


def keep_head(day: date, *, tenants: int, content: str, now: datetime) -> None:
    """Keep a day's signed heads; the first kept stay."""
    head = LedgerHead(day=day, kept_at=now, tenants=tenants, content=content)
    LedgerHead.objects.bulk_create([head], ignore_conflicts=True)
