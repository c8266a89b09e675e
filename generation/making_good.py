"""What staff give for a generation: a refund of what was delivered, a credit for what failed.

Amounts are micros.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import transaction
from typing_extensions import Unpack

from accounts.ledger import Why
from accounts.models import Actor, User
from billing import services
from billing.models import Transfer
from billing.selectors import given_by
from generation.models import Generation, State
from pictor.kit import clock
from pictor.kit.money import Micros, to_decimal


def refund(
    *,
    generation: Generation,
    amount: Micros | None = None,
    most_a_day: Micros | None = None,
    **why: Unpack[Why],
) -> Transfer:
    """What it was charged, or a part of it; without an amount all that is not refunded yet.

    Raises ValidationError for more than is left of it, and where the person would have given more
    than `most_a_day` on this UTC day.
    """
    with _within(most_a_day, why["actor"]):
        return services.refund(
            tenant_id=generation.tenant_id,
            generation_id=generation.id,
            amount=amount,
            **why,
        )


def credit(
    *,
    generation: Generation,
    amount: Micros,
    most_a_day: Micros | None = None,
    **why: Unpack[Why],
) -> Transfer:
    """A gift for one that delivered nothing and cost nothing; the ledger's entry names it.

    Raises ValidationError for any other, for an amount that is not above 0, and where the person
    would have given more than `most_a_day` on this UTC day.
    """
    if generation.state not in {State.FAILED, State.CANCELED}:
        raise ValidationError("only for one that failed or was canceled: others are refunded")
    if not generation.livemode:
        raise ValidationError("it was a test, which would have cost nothing")
    with _within(most_a_day, why["actor"]):
        return services.credit(
            tenant_id=generation.tenant_id,
            amount=amount,
            generation_id=generation.id,
            **why,
        )


@contextmanager
def _within(most_a_day: Micros | None, actor: Actor) -> Iterator[None]:
    """What is given in here is taken back if it is too much for one person on one UTC day."""
    with transaction.atomic():
        if most_a_day is None or not isinstance(actor, User):
            yield
            return
        # Two gifts at once must not both find the day empty.
        User.objects.select_for_update(no_key=True).get(id=actor.id)
        yield
        since = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        given = given_by(actor, since=since)
        if given > most_a_day:
            raise ValidationError(
                f"you may give {to_decimal(most_a_day)} USD a day, and this would make it"
                f" {to_decimal(given)}: ask finance or an owner"
            )
