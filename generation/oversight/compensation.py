"""Refunds for delivered generations and credits for failed ones, given by staff.

Each is a money move with an idempotency key. Amounts are micros.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import RequestedMove
from accounts.locks import user_for_update
from accounts.models import Actor, User
from billing.models import MoneyMove, Transfer
from billing.selectors.office.moves import moves_among
from billing.selectors.office.refunds_given import charge_sums_of, compensated_by
from billing.services.office.moves import move_money
from billing.services.office.second_person import why_it_waits
from generation.models import Generation, State
from pictor.kit.words.money import Micros, in_dollars


@dataclass(frozen=True, slots=True)
class Gift:
    """The amount, the words the tenant reads, and the note for staff."""

    amount: Micros
    words: str
    note: str


@dataclass(frozen=True, slots=True)
class Giver:
    """The giver, their address, and the most they may give in one UTC day."""

    actor: Actor
    ip: str | None = None
    max_per_day: Micros | None = None


def refund(
    *, once: UUID, generation: Generation, gift: Gift, giver: Giver, now: datetime
) -> MoneyMove:
    """Refund the charge for a generation, or a part of it.

    Raises ValidationError for more than is left of the charge or more than the giver may give.
    """
    requested = _requested_move(generation, Transfer.Kind.REFUND, gift)
    return _give(once, requested, giver, now)


def credit(
    *, once: UUID, generation: Generation, gift: Gift, giver: Giver, now: datetime
) -> MoneyMove:
    """Credit a generation that failed or was canceled; the ledger entry names it.

    Raises ValidationError for any other generation, for a test, and for more than the giver may
    give.
    """
    if generation.state not in {State.FAILED, State.CANCELED}:
        raise ValidationError("only for one that failed or was canceled: others are refunded")
    if not generation.livemode:
        raise ValidationError("the generation was a test, which costs nothing")
    requested = _requested_move(generation, Transfer.Kind.CREDIT, gift)
    return _give(once, requested, giver, now)


@dataclass(frozen=True, slots=True)
class Refunded:
    """One result of `refund_each`: refunded, waiting for approval (`waits`), or a refusal."""

    generation: Generation
    amount: Micros
    waits: bool = False
    refusal: str = ""


def refund_each(
    *,
    once: UUID,
    generations: Sequence[Generation],
    words: str,
    note: str,
    giver: Giver,
    now: datetime,
) -> list[Refunded]:
    """Refund all that is left of each generation's charge, each in its own transaction.

    If the total exceeds what one person may move, each waits for another person's approval. A
    repeated call with the same `once` refunds nothing twice and returns the same answer.
    """
    ids = _ids_of_refunds(once, generations)
    left = charge_sums_of(ids, tenants={generation.tenant_id for generation in generations})
    before = refunds_by(once, generations)
    requested = {
        generation.id: _requested_move(
            generation, Transfer.Kind.REFUND, Gift(left[generation.id].left, words, note)
        )
        for generation in generations
        if generation.id not in before
    }
    amounts = Counter[UUID]()
    for generation in generations:
        wanted = before.get(generation.id) or requested[generation.id]
        amounts[generation.tenant_id] += wanted.amount
    total, but = amounts.total(), ids.values()
    waits = bool(why_it_waits(amounts, actor=giver.actor, now=now, total=total, but=but))
    done = []
    for generation in generations:
        move = before.get(generation.id)
        try:
            if move is None:
                move = _give(ids[generation.id], requested[generation.id], giver, now, waits=waits)
        except ValidationError as error:
            done.append(Refunded(generation, Micros(0), refusal=" ".join(error.messages)))
        else:
            done.append(_became(generation, move, now))
    return done


def refunds_by(once: UUID, generations: Sequence[Generation]) -> dict[UUID, MoneyMove]:
    """Return by generation the refunds that `refund_each` already made for this `once`."""
    ids = _ids_of_refunds(once, generations)
    made = moves_among(ids.values())
    return {generation: made[move] for generation, move in ids.items() if move in made}


def _ids_of_refunds(once: UUID, generations: Sequence[Generation]) -> dict[UUID, UUID]:
    return {generation.id: uuid5(once, str(generation.id)) for generation in generations}


def _became(generation: Generation, move: MoneyMove, now: datetime) -> Refunded:
    if refusal := move.refusal(now):
        return Refunded(generation, Micros(0), refusal=refusal)
    return Refunded(generation, Micros(move.amount), waits=move.transfer_id is None)


def _requested_move(generation: Generation, kind: Transfer.Kind, gift: Gift) -> RequestedMove:
    return RequestedMove(
        tenant_id=generation.tenant_id,
        kind=kind.value,
        amount=gift.amount,
        generation_id=generation.id,
        reason=gift.words,
        note=gift.note,
    )


def _give(
    once: UUID,
    requested: RequestedMove,
    giver: Giver,
    now: datetime,
    *,
    waits: bool = False,
) -> MoneyMove:
    with _within(giver, now):
        return move_money(
            once=once, requested=requested, actor=giver.actor, now=now, ip=giver.ip, waits=waits
        )


@contextmanager
def _within(giver: Giver, now: datetime) -> Iterator[None]:
    """Roll back the gift made inside if it takes the giver over the limit of their UTC day."""
    with transaction.atomic():
        if giver.max_per_day is None or not isinstance(giver.actor, User):
            yield
            return
        # Two gifts at once must not both find the day empty.
        user_for_update(giver.actor.id)
        yield
        since = now.replace(hour=0, minute=0, second=0, microsecond=0)
        given = compensated_by(giver.actor, since=since)
        if given > giver.max_per_day:
            raise ValidationError(
                f"you may give {in_dollars(giver.max_per_day)} a day, and this would bring it to"
                f" {in_dollars(given)}: ask finance or an owner"
            )
