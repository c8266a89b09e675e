"""An outage made good: a credit for every tenant whose requests failed by it, once each.

Requests count that were accepted and failed by a fault of the service, and that nobody gave a
credit for by itself: what they were quoted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError

from accounts.ledger import AskedMove, Window
from accounts.models import Tenant
from accounts.selectors import tenants_among
from billing.models import Transfer
from billing.selectors import credited_for
from billing.services import move_money
from generation.models import State
from generation.oversight.making_good import Giver
from generation.oversight.searching import Sought, across_by_tenant
from pictor.kit.words.money import Micros


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
    def window(self) -> Window:
        """What a credit for it covers: a request may have met several channels in that time."""
        return Window(self.since, self.until, self.model)


@dataclass(frozen=True, slots=True)
class Hit:
    """A tenant that an outage hit. Amounts are micros.

    Attributes:
        failed: how many of its requests did.
        quoted: what they would have cost at most.
        before: what covers a part of that time already: credited, or waiting for another person.
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


def hit_by(outage: Outage, *, now: datetime) -> list[Hit]:
    """The tenants that it hit, those with most failures first. Five queries or less.

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
        is_uncredited=True,
    )
    if sought.is_too_wide:
        raise ValidationError("an outage of at most 24 hours is looked at")
    found = across_by_tenant(sought)
    tenants = tenants_among({one.tenant_id for one in found})
    before = credited_for(outage.window, tenants=tenants.keys(), now=now)
    hits = [
        Hit(
            tenants[one.tenant_id],
            one.number,
            one.quoted,
            before.get(one.tenant_id, Micros(0)),
        )
        for one in found
    ]
    return sorted(hits, key=lambda hit: (-hit.failed, hit.tenant.name))


def credit_all(
    *,
    once: UUID,
    outage: Outage,
    hits: Sequence[Hit],
    each: Micros | None,
    words: str,
    note: str,
    giver: Giver,
    now: datetime,
) -> list[Credited]:
    """Credit each of these so much, or else what its requests were quoted.

    Each in a transaction of its own, and once by this id; nobody is credited again for a time and
    a model that was covered before. If together they are more than one person moves, each waits for
    another person.
    """
    total = Micros(sum(hit.due(each) for hit in hits))
    done = []
    for hit in hits:
        amount = hit.due(each)
        if not amount:
            done.append(Credited(hit, Micros(0), refusal="that time is covered already"))
            continue
        asked = AskedMove(
            tenant_id=hit.tenant.id, kind=Transfer.Kind.CREDIT.value, amount=amount,
            outage=outage.window, reason=words, note=note,
        )  # fmt: skip
        try:
            move = move_money(
                once=uuid5(once, str(hit.tenant.id)),
                asked=asked,
                actor=giver.actor,
                now=now,
                ip=giver.ip,
                total=total,
            )
        except ValidationError as error:
            done.append(Credited(hit, Micros(0), refusal=" ".join(error.messages)))
        else:
            done.append(Credited(hit, amount, waits=move.transfer_id is None))
    return done
