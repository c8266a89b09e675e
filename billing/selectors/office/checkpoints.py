"""Checkpoints of the ledger's proof, and the results of the last proofs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from billing.locks import PROOF_LOCKS
from billing.models import LedgerCheckpoint, LedgerHead, LedgerProof
from billing.selectors.office.chain import START, Position
from billing.selectors.office.findings import Finding
from billing.transfer_seals import checkpoint_mark
from pictor.kit.database.cursors import first_column

_HELD = """
SELECT objid::bigint FROM pg_locks
 WHERE locktype = 'advisory' AND classid = 0 AND objsubid = 1 AND granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND objid::bigint = ANY(%s)
"""
PLATFORM, AUDIT_LOG, GENERATIONS = "platform", "audit log", "generations"
SOLD = "sold"
_TENANT = "tenant "


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The positions at which a proof begins or ended.

    Attributes:
        tenants: each tenant's last proved transfer.
        platform: as `seq`, the id up to which the platform's transfers are proved.
        audit_log: its last proved link.
        generations: as `seq`, the time up to which they are proved, in microseconds since 1970.
        sold: sales on days before `available`, a day's ordinal, are proved; `seq` is the last
            transfer before that day.
    """

    tenants: dict[UUID, Position] = field(default_factory=dict)
    platform: Position = START
    audit_log: Position = START
    generations: Position = START
    sold: Position = START

    def by_name(self) -> dict[str, Position]:
        named = {f"{_TENANT}{tenant}": at for tenant, at in self.tenants.items()}
        return {
            **named,
            PLATFORM: self.platform,
            AUDIT_LOG: self.audit_log,
            GENERATIONS: self.generations,
            SOLD: self.sold,
        }


def mark_of(name: str, at: Position) -> bytes:
    return checkpoint_mark(
        name=name,
        seq=at.seq,
        sealed=at.seal,
        available=at.available,
        held=at.held,
        owed=at.owed,
    )


def kept_by_name() -> tuple[dict[str, Position], list[str]]:
    """Return the checkpoints that carry their own mark, and the names of those that do not."""
    kept, forged = {}, []
    rows = LedgerCheckpoint.objects.order_by("name")
    for name, seq, seal, available, held, owed, mark in rows.values_list(
        "name", "seq", "seal", "available", "held", "owed", "mark"
    ):
        at = Position(seq, bytes(seal), available, held, owed)
        if bytes(mark) == mark_of(name, at):
            kept[name] = at
        else:
            forged.append(name)
    return kept, forged


def kept_checkpoints() -> tuple[Checkpoints, list[Finding]]:
    """Return the kept checkpoints, and a finding for each written or changed without the key.

    Such a checkpoint is ignored: its subject will be proved from the beginning.
    """
    kept, forged = kept_by_name()
    tenants = {
        UUID(name.removeprefix(_TENANT)): at
        for name, at in kept.items()
        if name.startswith(_TENANT)
    }
    checkpoints = Checkpoints(
        tenants,
        kept.get(PLATFORM, START),
        kept.get(AUDIT_LOG, START),
        kept.get(GENERATIONS, START),
        kept.get(SOLD, START),
    )
    message = "was written or changed without the key"
    return checkpoints, [
        Finding("checkpoint", None, f"checkpoint {name}", message) for name in forged
    ]


@dataclass(frozen=True, slots=True)
class LastProof:
    """The age of the last finished proof of a kind, and the number of its findings."""

    kind: str
    age_seconds: float
    found: int


def last_proofs(*, now: datetime) -> list[LastProof]:
    """Return the last proof of each kind; one that never finished is infinitely old."""
    rows = {row.kind: row for row in LedgerProof.objects.filter(ended_at__lte=now)}
    return [
        LastProof(kind, (now - rows[kind].ended_at).total_seconds(), rows[kind].found)
        if kind in rows
        else LastProof(kind, float("inf"), 0)
        for kind in LedgerProof.Kind.values
    ]


def proofs() -> Sequence[LedgerProof]:
    return list(LedgerProof.objects.all())


def under_way() -> set[str]:
    held = set(first_column(_HELD, [list(PROOF_LOCKS.values())]))
    return {kind.value for kind, lock in PROOF_LOCKS.items() if lock in held}


def kept_heads(*, limit: int) -> list[LedgerHead]:
    return list(LedgerHead.objects.order_by("-day").defer("content")[:limit])


def is_head_kept(day: date) -> bool:
    return LedgerHead.objects.filter(day=day).exists()


def head_kept(day: date) -> LedgerHead | None:
    """Return the kept head of a UTC day, with its file."""
    return LedgerHead.objects.filter(day=day).first()
