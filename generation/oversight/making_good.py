"""What staff give for a generation: a refund of what was delivered, a credit for what failed.

Each is a move of money that is asked for once, by an id. Amounts are micros.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import AskedMove
from accounts.models import Actor, User
from billing.models import MoneyMove, Transfer
from billing.selectors import given_by, given_for
from billing.services import move_money
from generation.models import Generation, State
from pictor.kit.words.money import Micros, in_dollars


@dataclass(frozen=True, slots=True)
class Gift:
    """How much is given, what the tenant reads of it, and what staff note for themselves."""

    amount: Micros
    words: str
    note: str


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives, from where, and how much at most on one UTC day."""

    actor: Actor
    ip: str | None = None
    most_a_day: Micros | None = None


def refund(
    *, once: UUID, generation: Generation, gift: Gift, giver: Giver, now: datetime
) -> MoneyMove:
    """Give back what it was charged, or a part of it.

    Raises ValidationError for more than is left of that, and for more than the giver may give.
    """
    asked = _asked(generation, Transfer.Kind.REFUND, gift)
    return _given(once, asked, giver, now)


def credit(
    *, once: UUID, generation: Generation, gift: Gift, giver: Giver, now: datetime
) -> MoneyMove:
    """Give something for one that delivered nothing and cost nothing; the ledger's entry names it.

    Raises ValidationError for any other, and for more than the giver may give.
    """
    if generation.state not in {State.FAILED, State.CANCELED}:
        raise ValidationError("only for one that failed or was canceled: others are refunded")
    if not generation.livemode:
        raise ValidationError("it was a test, which would have cost nothing")
    asked = _asked(generation, Transfer.Kind.CREDIT, gift)
    return _given(once, asked, giver, now)


@dataclass(frozen=True, slots=True)
class Refunded:
    """What was given back for one of many, or `waits` for another person; or why nothing was."""

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
    """Give back all that is left of each of these, each in a transaction of its own.

    If together they are more than one person moves, each waits for another person. Sent again by
    the same id, none is given back twice, and the answer is the same.
    """
    ids = {one.id: uuid5(once, str(one.id)) for one in generations}
    left = given_for(ids, tenants={one.tenant_id for one in generations})
    before = MoneyMove.objects.in_bulk(list(ids.values()))
    asked = {
        one.id: _asked(one, Transfer.Kind.REFUND, Gift(left[one.id].left, words, note))
        for one in generations
        if ids[one.id] not in before
    }
    total = sum(one.amount for one in before.values()) + sum(one.amount for one in asked.values())
    done = []
    for one in generations:
        move = before.get(ids[one.id])
        try:
            if move is None:
                move = _given(ids[one.id], asked[one.id], giver, now, total=Micros(total))
        except ValidationError as error:
            done.append(Refunded(one, Micros(0), refusal=" ".join(error.messages)))
        else:
            done.append(_became(one, move, now))
    return done


def _became(generation: Generation, move: MoneyMove, now: datetime) -> Refunded:
    state = move.state(now)
    if state in {"booked", "waiting"}:
        return Refunded(generation, Micros(move.amount), waits=state == "waiting")
    return Refunded(generation, Micros(0), refusal=f"It waited for another person and is {state}.")


def _asked(generation: Generation, kind: Transfer.Kind, gift: Gift) -> AskedMove:
    return AskedMove(
        tenant_id=generation.tenant_id,
        kind=kind.value,
        amount=gift.amount,
        generation_id=generation.id,
        reason=gift.words,
        note=gift.note,
    )


def _given(
    once: UUID, asked: AskedMove, giver: Giver, now: datetime, *, total: Micros | None = None
) -> MoneyMove:
    with _within(giver, now):
        return move_money(
            once=once, asked=asked, actor=giver.actor, now=now, ip=giver.ip, total=total
        )


@contextmanager
def _within(giver: Giver, now: datetime) -> Iterator[None]:
    """What is given in here is taken back if it is too much for one person on one UTC day."""
    with transaction.atomic():
        if giver.most_a_day is None or not isinstance(giver.actor, User):
            yield
            return
        # Two gifts at once must not both find the day empty.
        User.objects.select_for_update(no_key=True).get(id=giver.actor.id)
        yield
        since = now.replace(hour=0, minute=0, second=0, microsecond=0)
        given = given_by(giver.actor, since=since)
        if given > giver.most_a_day:
            raise ValidationError(
                f"you may give {in_dollars(giver.most_a_day)} a day, and this would make it"
                f" {in_dollars(given)}: ask finance or an owner"
            )
