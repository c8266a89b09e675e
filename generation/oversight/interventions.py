"""An operator ends a generation that waits, or one that should not go on.

Each intervention writes an audit event for the tenant. Amounts are micros.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from accounts.models import Subject
from accounts.services import By, record
from generation.lifecycle import attempts, notify, settlement
from generation.lifecycle.attempts import cost_of
from generation.lifecycle.notify import Ring
from generation.lifecycle.outcome import ENDED_BY_OPERATOR
from generation.models import Attempt, Generation, State
from pictor.kit.words.money import Micros

WHY = "ended by an operator"


@dataclass(frozen=True, slots=True)
class MayBill:
    """A channel with a call in progress, and the cost to book for it; None if unknown."""

    channel: str
    cost: Micros | None


@dataclass(frozen=True, slots=True)
class EndedAsFailed:
    """The released hold, and the calls that may be billed nevertheless."""

    released: Micros
    may_bill: tuple[MayBill, ...]


def cancel(*, generation: Generation, reason: str, now: datetime, **by: Unpack[By]) -> Micros:
    """End a generation that no worker has taken; return the hold that was released.

    Raises ValidationError if a worker has taken it or it has ended.
    """
    with transaction.atomic():
        if not settlement.cancel(generation=generation, now=now):
            raise ValidationError("it has been started, or has ended: only `fail` ends what runs")
        _record(generation, "generation.cancel", reason, by)
    notify.wake([generation.id])
    return Micros(generation.hold_micros)


def expected_result(generation: Generation) -> EndedAsFailed:
    """The result of ending the generation as failed now."""
    return _ended(generation, _under_way(generation))


def end_as_failed(
    *, generation: Generation, reason: str, now: datetime, **by: Unpack[By]
) -> EndedAsFailed:
    """Fail a waiting or running generation without a charge; a call in progress counts as paid.

    The worker that runs it finds its claim lost and delivers nothing. Raises ValidationError if it
    has ended, or has moved on since it was read.
    """
    called = _under_way(generation)
    condition = {
        "id": generation.id,
        "state": generation.state,
        "dispatch": generation.dispatch,
    }
    with transaction.atomic():
        is_failed = settlement.end_without_image(
            generation=generation,
            state=State.FAILED,
            condition=condition,
            error=ENDED_BY_OPERATOR,
            now=now,
        )
        if not is_failed:
            raise ValidationError("it has ended, or has moved on: look at it again")
        _record(generation, "generation.fail", reason, by)
    attempts.cut_off(generation_ids=[generation.id], why=WHY, now=now)
    notify.wake([generation.id])
    # One with jobs is open until a reaper has cancelled them.
    may_bill = Q(may_have_billed=True) | Q(finished_at=None)
    found = Attempt.objects.filter(may_bill, id__in=[attempt.id for attempt in called])
    return _ended(generation, found.select_related("channel", "generation").order_by("id"))


def ring_again(generation: Generation) -> None:
    """Ring the image workers' doorbell again; raise ValidationError if the broker refuses it."""
    if not notify.ring(Ring.of(generation)):
        raise ValidationError("the broker did not take the message")


def _under_way(generation: Generation) -> list[Attempt]:
    """Attempts of the generation without an end."""
    attempts = Attempt.objects.filter(generation=generation, finished_at=None).order_by("id")
    return list(attempts.select_related("channel", "generation"))


def _ended(generation: Generation, called: Iterable[Attempt]) -> EndedAsFailed:
    may_bill = tuple(MayBill(attempt.channel.name, _booked(attempt)) for attempt in called)
    return EndedAsFailed(Micros(generation.hold_micros), may_bill)


def _booked(attempt: Attempt) -> Micros | None:
    """Its cost, as it will be booked if it is still open; None if unknown."""
    if attempt.finished_at is None:
        cost = cost_of(attempt)
        return cost.micros if cost.is_known else None
    amount = attempt.known_cost_micros
    return None if amount is None else Micros(amount)


def _record(generation: Generation, action: str, reason: str, by: By) -> None:
    record(
        Subject("generation", generation.public_id, generation.tenant_id),
        action,
        after={"state": generation.state, "reason": reason},
        **by,
    )
