"""The seal of a transfer: the link to the tenant's transfer before it. Pure but for the key.

A tenant's chain begins with `first_seal` and goes on by its numbers. The platform's transfers are
written by many at once and stand in no chain: each is sealed alone, under the key of its attempt
or of its own id. What is sealed is every column but the row's id and the seal itself; times are
microseconds, bytes hexadecimal.
"""

import json
from typing import NamedTuple

from pictor.kit.secrets.seals import NOTHING_BEFORE, one_time_key, seal

OF_A_GENERATION = frozenset({"hold", "capture", "release"})


class Sealed(NamedTuple):
    """What of a transfer is sealed, in this order; None is empty."""

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
        """The columns, joined by bars; the reason, which may have bars in it, is the last.

        With one of the three columns that came later it is all of them as a JSON array: what was
        sealed before them keeps its content, and no content is ever that of another row.
        """
        first, later = self[:_FIRST_COLUMNS], self[_FIRST_COLUMNS:]
        if any(value is not None for value in later):
            return json.dumps(self)
        return "|".join("" if value is None else str(value) for value in first)


_FIRST_COLUMNS = Sealed._fields.index("reverses_seq")


def first_seal(tenant_id: object) -> bytes:
    """What a tenant's first transfer follows."""
    return one_time_key(f"tenant {tenant_id}")


def hold_key(kind: str, generation_id: object) -> bytes:
    """The one-time key of a generation's hold, capture or release: there is one of each at most."""
    return one_time_key(f"transfer {kind} {generation_id}")


def seal_of(transfer: Sealed, previous: bytes | None = None) -> bytes:
    """The seal of a transfer that follows the one sealed so; of a platform's, on its own."""
    if transfer.kind in OF_A_GENERATION:
        key = hold_key(transfer.kind, transfer.generation_id)
    elif transfer.tenant_id is None:
        key = one_time_key(f"transfer {transfer.kind} {transfer.attempt_id}")
    else:
        key = one_time_key(f"transfer {transfer.kind} {transfer.tenant_id} {transfer.seq}")
    return seal(key, previous=previous or NOTHING_BEFORE, content=transfer.content)


def note_seal(*, tenant_id: object, seq: int, note: str) -> bytes:
    """The evidence of what people moved: a digest of staff's note, which nobody can guess."""
    key = one_time_key(f"note {tenant_id} {seq}")
    return seal(key, previous=NOTHING_BEFORE, content=note)


def checkpoint_mark(*, name: str, seq: int, sealed: bytes, available: int, held: int) -> bytes:
    """The seal of a checkpoint's columns: it stands in no chain."""
    content = f"{seq}|{sealed.hex()}|{available}|{held}"
    return seal(one_time_key(f"checkpoint {name}"), previous=NOTHING_BEFORE, content=content)
