"""What staff give for a generation: a refund of what was delivered, a credit for what failed.

Each is a move of money that is asked for once, by an id. Amounts are micros.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import Asked
from accounts.models import Actor, User
from billing.models import MoneyMove, Transfer
from billing.selectors import given_by
from billing.services import move_money
from generation.models import Generation, State
from pictor.kit.money import Micros, to_decimal


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


def _asked(generation: Generation, kind: Transfer.Kind, gift: Gift) -> Asked:
    return Asked(
        tenant_id=generation.tenant_id,
        kind=kind.value,
        amount=gift.amount,
        generation_id=generation.id,
        reason=gift.words,
        note=gift.note,
    )


def _given(once: UUID, asked: Asked, giver: Giver, now: datetime) -> MoneyMove:
    with _within(giver, now):
        return move_money(once=once, asked=asked, actor=giver.actor, now=now, ip=giver.ip)


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
                f"you may give {to_decimal(giver.most_a_day)} USD a day, and this would make it"
                f" {to_decimal(given)}: ask finance or an owner"
            )
