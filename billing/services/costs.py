"""Costs of attempts: booked when an attempt is closed, corrected by the vendor's bill.

No row that tenants share changes: costs are transfers between platform accounts, which have no
cached balance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, Sum

from accounts.quotas import window_start
from accounts.services import Actor, Subject, record
from billing import locks
from billing.models import Account, Transfer
from billing.transfer_seals import seal_of
from billing.upstream_cost import Loss
from pictor.kit.database import model_rows, prepared
from pictor.kit.database.prepared import SqlPart
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, in_dollars

_COUNT_UNCHARGED = """
INSERT INTO billing_unchargedcost AS u (tenant_id, day, loss, attempts, cost_micros)
VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (tenant_id, day, loss) DO UPDATE
   SET attempts = u.attempts + 1, cost_micros = u.cost_micros + EXCLUDED.cost_micros
RETURNING 1
"""


def book_upstream_cost(
    *, generation_id: UUID, attempt_id: UUID, amount: Micros, as_loss: bool
) -> None:
    """Book an attempt's known or possible cost, as a loss if no tenant pays for it.

    An amount of 0 books nothing. Raises IntegrityError for an attempt booked before.
    """
    if amount != 0:  # nothing is booked for an unknown cost either (ADR 0047)
        model_rows.insert(_cost_transfer(generation_id, attempt_id, amount, as_loss=as_loss))


def count_uncharged(*, tenant_id: UUID, loss: Loss, amount: Micros, now: datetime) -> None:
    """Add to what no tenant is charged that UTC day, in the transaction that closes the attempt."""
    prepared.fetch_one(
        _COUNT_UNCHARGED, [tenant_id, window_start("day", now), loss.value, int(amount)]
    )


class PaidCost(NamedTuple):
    """A cost that a tenant pays for: its generation, its attempt, and an amount above 0."""

    generation_id: UUID
    attempt_id: UUID
    amount: Micros


def book_costs_part(costs: Sequence[PaidCost], *, from_part: str) -> SqlPart:
    """The part that books the costs, at least one, of attempts whose `id` is in `from_part`."""
    transfers = [_cost_transfer(*cost, as_loss=False) for cost in costs]
    return model_rows.insert_rows_part(transfers, from_part=from_part, by="attempt_id")


def past_cost(*, generation_id: UUID, attempt_id: UUID, amount: Micros, at: datetime) -> Transfer:
    """The unsaved booking of a past attempt's cost that a tenant paid for."""
    return _cost_transfer(generation_id, attempt_id, amount, as_loss=False, at=at)


def _cost_transfer(
    generation_id: UUID,
    attempt_id: UUID,
    amount: Micros,
    *,
    as_loss: bool,
    at: datetime | None = None,
) -> Transfer:
    kind, account = (
        (Transfer.Kind.LOSS, Account.Platform.LOSSES)
        if as_loss
        else (Transfer.Kind.UPSTREAM_COST, Account.Platform.UPSTREAM_COST)
    )
    transfer = Transfer(
        kind=kind.value,
        debit_id=Account.Platform.UPSTREAM_PAYABLE.value,
        credit_id=account.value,
        amount=amount,
        generation_id=generation_id,
        attempt_id=attempt_id,
        created_at=at or clock.now(),
    )
    # Sealed on its own: in a chain, settlements would wait for each other (ADR 0014).
    transfer.seal = seal_of(transfer.sealed)
    return transfer


@dataclass(frozen=True, slots=True)
class CorrectedAttempt:
    """The attempt that a line of a bill is about, its generation, and whether it is a loss."""

    attempt_id: UUID
    generation_id: UUID
    as_loss: bool


@transaction.atomic
def correct_cost(
    *,
    line: str,
    change: Micros,
    reason: str,
    actor: Actor,
    of: CorrectedAttempt | None = None,
) -> Transfer | None:
    """Correct a booked cost by a line of the vendor's bill; a positive change costs more.

    The line's name is unique among all bills. An attempt's first booking stays; its cost is that
    plus its corrections. Returns None if the line was booked before with the same facts. Raises
    ValidationError if it was booked with others, for a change of 0, and if an attempt's cost would
    be below 0.
    """
    if not line or change == 0:
        raise ValidationError("a correction needs a line, and a change other than 0")
    locks.corrections()
    correction = _correction(line, change, of)
    correction.reason = reason
    booked = Transfer.objects.filter(attempt_id=correction.attempt_id).first()
    if booked is not None:
        if _facts(booked) != _facts(correction):
            raise ValidationError(f"the line {line!r} was booked before, for something else")
        return None
    if of is not None and (cost := corrected_cost(of.attempt_id)) + change < 0:
        raise ValidationError(
            f"the line {line!r} takes {in_dollars(-change)} from an attempt that cost"
            f" {in_dollars(cost)}"
        )
    correction.seal = seal_of(correction.sealed)
    correction.save(force_insert=True)
    record(
        Subject("transfer", str(correction.pk)),
        "cost.correction",
        actor=actor,
        after={"line": line, "change_micros": change, "reason": reason},
    )
    return correction


def corrected_cost(attempt_id: UUID) -> Micros:
    """An attempt's cost: its first booking plus its corrections."""
    its = Transfer.objects.filter(Q(attempt_id=attempt_id) | Q(corrects_id=attempt_id))
    from_payable = Q(debit_id=Account.Platform.UPSTREAM_PAYABLE)
    sums = its.aggregate(
        more=Sum("amount", filter=from_payable, default=0),
        less=Sum("amount", filter=~from_payable, default=0),
    )
    return Micros(sums["more"] - sums["less"])


def _correction(line: str, change: Micros, of: CorrectedAttempt | None) -> Transfer:
    payable = Account.Platform.UPSTREAM_PAYABLE.value
    platform = Account.Platform
    costs = platform.LOSSES.value if of is not None and of.as_loss else platform.UPSTREAM_COST.value
    return Transfer(
        kind=Transfer.Kind.COST_CORRECTION.value,
        debit_id=payable if change > 0 else costs,
        credit_id=costs if change > 0 else payable,
        amount=abs(change),
        generation_id=None if of is None else of.generation_id,
        # The unique index that books an attempt once then corrects a line once (ADR 0048).
        attempt_id=UUID(bytes=sha256(f"correction {line}".encode()).digest()[:16]),
        corrects_id=None if of is None else of.attempt_id,
        line=line,
        created_at=clock.now(),
    )


def _facts(correction: Transfer) -> tuple[object, ...]:
    """The columns that a repeated booking of a line must share."""
    return (
        correction.debit_id,
        correction.credit_id,
        correction.amount,
        correction.corrects_id,
        correction.line,
    )
