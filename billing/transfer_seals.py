"""The seal of a transfer: its link to the tenant's transfer before it. Pure but for the key.

A tenant's chain begins with `first_seal` and continues in the order of its numbers. The platform's
transfers are written by many processes at once and form no chain: each is sealed alone, under the
key of its attempt or of its own id. Every column is sealed but the row's id and the seal itself;
times are microseconds, bytes hexadecimal.
"""

import json
from typing import NamedTuple

from pictor.kit.secrets.seals import NOTHING_BEFORE, one_time_key, seal

OF_A_GENERATION = frozenset({"hold", "capture", "release"})


class Sealed(NamedTuple):
    """The sealed columns of a transfer, in this order; None is written as empty."""

    kind: str
    debit_id: int
    credit_id: int
    amount: int
    tenant_id: str | None
    seq: int | None
    available_after: int | None
    held_after: int | None
    generation_id: str | None
    attempt_id: str | None
    created_microseconds: int
    evidence: str | None
    reason: str
    reverses_seq: int | None = None
    corrects_id: str | None = None
    line: str | None = None

    @property
    def content(self) -> str:
        """The columns, joined by bars; the reason, which may contain bars, is the last.

        If one of the three later columns is set, it is a JSON array of all columns: rows sealed
        before those columns existed keep their content, and no two rows share a content.
        """
        first, later = self[:_FIRST_COLUMNS], self[_FIRST_COLUMNS:]
        if any(value is not None for value in later):
            return json.dumps(self)
        return "|".join("" if value is None else str(value) for value in first)


_FIRST_COLUMNS = Sealed._fields.index("reverses_seq")


def first_seal(tenant_id: object) -> bytes:
    """Return the seal that a tenant's first transfer follows."""
    return one_time_key(f"tenant {tenant_id}")


def hold_key(kind: str, generation_id: object) -> bytes:
    """Return the one-time key of a generation's hold, capture or release, at most one of each."""
    return one_time_key(f"transfer {kind} {generation_id}")


def seal_of(transfer: Sealed, previous: bytes | None = None) -> bytes:
    """Return a transfer's seal, after the previous one; the platform's are sealed alone."""
    if transfer.kind in OF_A_GENERATION:
        key = hold_key(transfer.kind, transfer.generation_id)
    elif transfer.tenant_id is None:
        key = one_time_key(f"transfer {transfer.kind} {transfer.attempt_id}")
    else:
        key = one_time_key(f"transfer {transfer.kind} {transfer.tenant_id} {transfer.seq}")
    return seal(key, previous=previous or NOTHING_BEFORE, content=transfer.content)


def note_seal(*, tenant_id: object, seq: int, note: str) -> bytes:
    """Return the evidence of a move by staff: a digest of their note that cannot be guessed."""
    key = one_time_key(f"note {tenant_id} {seq}")
    return seal(key, previous=NOTHING_BEFORE, content=note)


def checkpoint_mark(
    *, name: str, seq: int, sealed: bytes, available: int, held: int, owed: int
) -> bytes:
    """Return the seal of a checkpoint's columns; it is not part of a chain.

    Where nothing is owed it is that of the checkpoints from before there was such a column.
    """
    content = f"{seq}|{sealed.hex()}|{available}|{held}" + (f"|{owed}" if owed else "")
    return seal(one_time_key(f"checkpoint {name}"), previous=NOTHING_BEFORE, content=content)
