"""An outage made good: a credit for every tenant whose requests failed by it, once each.

Requests count that were accepted and failed by a fault of the service: what they were quoted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError

from accounts.ledger import Asked
from accounts.models import Tenant
from accounts.selectors import tenants_among
from billing.models import MoneyMove, Transfer
from billing.services import move_money
from generation.making_good import Giver
from generation.models import State
from generation.searching import Sought, across_by_tenant
from pictor.kit.money import Micros

_OUTAGES = UUID("0b1f4a5e-9c1d-5b7e-8f7a-2d6c3e9a1b40")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """Requests that were made from `since` to before `until`; what is empty does not matter.

    Attributes:
        channel: the name of one that was called for them.
        attempt_class: how an attempt of theirs ended, on that channel if one is named.
    """

    since: datetime
    until: datetime
    model: str = ""
    channel: str = ""
    attempt_class: str = ""

    @property
    def id(self) -> UUID:
        """The same for the same outage, whoever names it, and when."""
        times = (self.since.astimezone(UTC).isoformat(), self.until.astimezone(UTC).isoformat())
        return uuid5(_OUTAGES, "|".join((*times, self.model, self.channel, self.attempt_class)))


@dataclass(frozen=True, slots=True)
class Hit:
    """A tenant that an outage hit. Amounts are micros.

    Attributes:
        failed: how many of its requests did.
        quoted: what they would have cost at most.
        before: what was credited for this very outage already, or waits for another person.
    """

    tenant: Tenant
    failed: int
    quoted: Micros
    before: Micros

    def due(self, each: Micros | None) -> Micros:
        """What is still to be credited: so much, or else what was quoted; never a second time."""
        if self.before:
            return Micros(0)
        return self.quoted if each is None else each


@dataclass(frozen=True, slots=True)
class Credited:
    """What a tenant got; `waits` where another person is to approve it; or why it got nothing."""

    hit: Hit
    amount: Micros
    waits: bool = False
    refusal: str = ""


def hit_by(outage: Outage) -> list[Hit]:
    """The tenants that it hit, those with most failures first. Three queries.

    Raises ValidationError for more than 24 hours, and for an end before the beginning.
    """
    if outage.until <= outage.since:
        raise ValidationError("it ends before it begins")
    sought = Sought(
        since=outage.since,
        until=outage.until,
        model=outage.model,
        channel=outage.channel,
        attempt_class=outage.attempt_class,
        state=State.FAILED,
        is_our_fault=True,
    )
    if sought.is_too_wide:
        raise ValidationError("an outage of at most 24 hours is looked at")
    found = across_by_tenant(sought)
    tenants = tenants_among({one.tenant_id for one in found})
    moves = MoneyMove.objects.in_bulk([uuid5(outage.id, str(one.tenant_id)) for one in found])
    hits = [
        Hit(
            tenants[one.tenant_id],
            one.number,
            one.quoted,
            _standing(moves.get(uuid5(outage.id, str(one.tenant_id)))),
        )
        for one in found
    ]
    return sorted(hits, key=lambda hit: (-hit.failed, hit.tenant.name))


def credit_all(
    *,
    outage: Outage,
    hits: Sequence[Hit],
    each: Micros | None,
    words: str,
    note: str,
    giver: Giver,
    now: datetime,
) -> list[Credited]:
    """Credit each of these so much, or else what its requests were quoted.

    Each in a transaction of its own, and once: for the same outage nobody is credited again.
    """
    done = []
    for hit in hits:
        amount = hit.due(each)
        if not amount:
            done.append(Credited(hit, Micros(0), refusal="it was credited for it before"))
            continue
        asked = Asked(
            tenant_id=hit.tenant.id,
            kind=Transfer.Kind.CREDIT.value,
            amount=amount,
            reason=words,
            note=note,
        )
        try:
            move = move_money(
                once=uuid5(outage.id, str(hit.tenant.id)),
                asked=asked,
                actor=giver.actor,
                now=now,
                ip=giver.ip,
            )
        except ValidationError as error:
            done.append(Credited(hit, Micros(0), refusal=" ".join(error.messages)))
        else:
            done.append(Credited(hit, amount, waits=move.transfer_id is None))
    return done


def _standing(move: MoneyMove | None) -> Micros:
    """What a move gave or may give; one that was declined gives nothing, and cannot be repeated."""
    return Micros(0 if move is None else move.amount)
