"""Make good for an outage: one credit for every tenant whose requests it made fail.

Requests count at their quoted price if they were accepted, failed through a fault of the service,
and were not credited individually.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.core.exceptions import ValidationError

from accounts.ledger import RequestedMove, Window
from accounts.models import Actor, Tenant
from accounts.selectors.office.tenants import tenants_among
from billing.models import Transfer
from billing.selectors.office.moves import credited_for
from billing.services.office.moves import move_money
from billing.services.office.second_person import why_it_waits
from generation.models import State
from generation.oversight.compensation import Giver
from generation.oversight.searching.generations import GenerationFilter, across_by_tenant
from pictor.kit.words.money import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A filter for requests made from `since` to before `until`; empty fields match any.

    Attributes:
        channel: the name of a channel that was called for them.
        attempt_class: how one of their attempts ended, on that channel if one is named.
    """

    since: datetime
    until: datetime
    model: str = ""
    channel: str = ""
    attempt_class: str = ""

    @property
    def window(self) -> Window:
        """The window a credit covers; it names no channel, as a request may have met several."""
        return Window(self.since, self.until, self.model)


@dataclass(frozen=True, slots=True)
class OutageVictim:
    """A tenant that an outage hit. Amounts are micros.

    Attributes:
        failed: the number of its failed requests.
        quoted: the most they would have cost.
        before: credits, booked or waiting for approval, that already cover a part of that time.
    """

    tenant: Tenant
    failed: int
    quoted: Micros
    before: Micros

    def due(self, each: Micros | None) -> Micros:
        """The amount to credit: `each`, or else the quote; 0 if a part is covered already."""
        if self.before:
            return Micros(0)
        return self.quoted if each is None else each


@dataclass(frozen=True, slots=True)
class Credited:
    """A tenant's result: credited, waiting for approval (`waits`), or a refusal."""

    hit: OutageVictim
    amount: Micros
    waits: bool = False
    refusal: str = ""


def hit_by(outage: Outage, *, now: datetime) -> list[OutageVictim]:
    """The tenants that it hit, those with most failures first, in at most five queries.

    Raises ValidationError for more than 24 hours, and for an end before the beginning.
    """
    if outage.until <= outage.since:
        raise ValidationError("it ends before it begins")
    sought = GenerationFilter(
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
        raise ValidationError("an outage may last at most 24 hours")
    sums = across_by_tenant(sought)
    tenants = tenants_among({generation.tenant_id for generation in sums})
    before = credited_for(outage.window, tenants=tenants.keys(), now=now)
    hits = [
        OutageVictim(
            tenants[generation.tenant_id],
            generation.number,
            generation.quoted,
            before.get(generation.tenant_id, Micros(0)),
        )
        for generation in sums
    ]
    return sorted(hits, key=lambda hit: (-hit.failed, hit.tenant.name))


def why_they_wait(
    hits: Sequence[OutageVictim], each: Micros | None, *, actor: Actor, now: datetime
) -> str:
    """Return why these credits wait for a second person; empty if they do not."""
    amounts = {hit.tenant.id: hit.due(each) for hit in hits}
    # Earlier credits for that time count, too: the rest of an interrupted bulk is no smaller bulk.
    total = sum(hit.before or hit.due(each) for hit in hits)
    return why_it_waits(amounts, actor=actor, now=now, total=total)


def credit_all(
    *,
    once: UUID,
    outage: Outage,
    hits: Sequence[OutageVictim],
    each: Micros | None,
    words: str,
    note: str,
    giver: Giver,
    now: datetime,
) -> list[Credited]:
    """Credit each hit tenant `each`, or else its requests' quote.

    Each credit has its own transaction and is booked once for this `once`. A time and model already
    covered is not credited again. If together they exceed what one person may move, each waits for
    another person's approval.
    """
    waits = bool(why_they_wait(hits, each, actor=giver.actor, now=now))
    done = []
    for hit in hits:
        amount = hit.due(each)
        if not amount:
            done.append(Credited(hit, Micros(0), refusal="that time is already covered"))
            continue
        requested = RequestedMove(
            tenant_id=hit.tenant.id, kind=Transfer.Kind.CREDIT.value, amount=amount,
            outage=outage.window, reason=words, note=note,
        )  # fmt: skip
        try:
            move = move_money(
                once=uuid5(once, str(hit.tenant.id)),
                requested=requested,
                actor=giver.actor,
                now=now,
                ip=giver.ip,
                waits=waits,
            )
        except ValidationError as error:
            done.append(Credited(hit, Micros(0), refusal=" ".join(error.messages)))
        else:
            done.append(Credited(hit, amount, waits=move.transfer_id is None))
    return done
