"""What an operator ends for somebody: a generation that waits, or one that should not go on.

Each with an audit event of the tenant's. Amounts are micros.
"""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Actor, Subject
from accounts.services import record
from generation import attempts, notify, settlement
from generation.models import Attempt, Generation, State
from generation.outcome import ENDED_BY_OPERATOR
from pictor.kit.money import Micros

WHY = "ended by an operator"


@dataclass(frozen=True, slots=True)
class MayBill:
    """A channel that was being called, and what that call is counted as."""

    channel: str
    cost: Micros


@dataclass(frozen=True, slots=True)
class EndedAsFailed:
    """What was on hold and is available again, and the calls that may be billed all the same."""

    released: Micros
    may_bill: tuple[MayBill, ...]


def cancel(*, generation: Generation, reason: str, actor: Actor, now: datetime) -> Micros:
    """End what has not been sent to an upstream; what was on hold and is available again.

    Raises ValidationError for one that a worker has taken, and one that has ended.
    """
    with transaction.atomic():
        if not settlement.cancel(generation=generation, now=now):
            raise ValidationError("it has been started, or has ended: only `fail` ends what runs")
        _record(generation, "generation.cancel", reason, actor)
    notify.wake([generation.id])
    return Micros(generation.hold_micros)


def end_as_failed(
    *, generation: Generation, reason: str, actor: Actor, now: datetime
) -> EndedAsFailed:
    """End one that waits or runs, uncharged. A call that is under way is counted as paid.

    Whoever runs it finds its claim lost, and delivers nothing. Raises ValidationError for one that
    has ended, and one that has moved on since it was read.
    """
    called = list(Attempt.objects.filter(generation=generation, finished_at=None))
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
        _record(generation, "generation.fail", reason, actor)
    attempts.cut_off(generation_ids=[generation.id], why=WHY, now=now)
    notify.wake([generation.id])
    closed = Attempt.objects.filter(id__in=[one.id for one in called], may_have_billed=True)
    return EndedAsFailed(
        Micros(generation.hold_micros),
        tuple(
            MayBill(one.channel.name, Micros(one.cost_micros))
            for one in closed.select_related("channel").order_by("id")
        ),
    )


def _record(generation: Generation, action: str, reason: str, actor: Actor) -> None:
    record(
        Subject("generation", generation.public_id, generation.tenant_id),
        action,
        actor=actor,
        after={"state": generation.state, "reason": reason},
    )
