"""Compares our charges, refunds and disputes with the provider's own books, by their amounts.

It also finds what no event told: such a payment is looked at, and compared again. What still
differs is kept, as an event of the type BOOKS whose `trouble` says how, until it no longer does.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, Q

from billing.models import Payment, PaymentMovement, ProviderEvent
from billing.payments.port import BalanceEntry
from billing.payments.shares import micros_of
from billing.selectors.office.findings import Finding
from billing.selectors.office.payments import BOOKS, differences
from billing.services.office.payments import asked_provider, follow
from pictor.kit.words.money import in_dollars

logger = logging.getLogger(__name__)

WINDOW = timedelta(days=3)
"""Each day is compared three times: an entry may come late."""
SETTLED_AFTER = timedelta(hours=1)
LEAST_BETWEEN = timedelta(hours=20)
CHECK = "card payments"
DONE = PaymentMovement.State.DONE


@dataclass(frozen=True, slots=True)
class _Difference:
    """What differs about a payment: the id of what moved at the provider, and how."""

    payment: Payment
    provider_id: str
    how: str


def compare(since: datetime, until: datetime) -> list[Finding]:
    """Return where the provider's books of a time and ours differ. Raises ProviderError."""
    return [
        Finding(
            CHECK,
            found.payment.tenant.public_id,
            f"payment {found.payment.id}",
            f"{found.provider_id}: {found.how}",
        )
        for found in _differences(since, until)
    ]


def keep_differences(now: datetime) -> None:
    """Compare once a day, look at what differs, and keep what differs still."""
    last = ProviderEvent.objects.filter(id=BOOKS).first()
    if last is not None and now - last.created_at < LEAST_BETWEEN:
        return
    oldest = differences().aggregate(at=Min("created_at"))["at"]
    since, until = min(oldest or now, now - WINDOW), now - SETTLED_AFTER
    for payment_id in {found.payment.id for found in _differences(since, until)}:
        try:
            follow(payment_id, now=now)
        except Exception:
            logger.exception("payment %s could not be looked at", payment_id)
    found = [(f"{BOOKS}:{one.provider_id}", one) for one in _differences(since, until)]
    for event_id, one in found:
        told = {"payment": one.payment, "trouble": one.how[:200], "handled_at": None}
        _keep(event_id, since=since, now=now, **told)
    differences().exclude(id__in=[event_id for event_id, _ in found]).update(handled_at=now)
    _keep(BOOKS, since=now, now=now, handled_at=now)


def _keep(event_id: str, *, since: datetime, now: datetime, **told: object) -> None:
    new = {"type": BOOKS, "received_at": now, "next_at": now, "rang": False, "created_at": since}
    ProviderEvent.objects.update_or_create(
        id=event_id,
        defaults=told if event_id != BOOKS else {**told, "created_at": since},
        create_defaults={**new, **told},
    )


def _differences(since: datetime, until: datetime) -> list[_Difference]:
    in_order = sorted(asked_provider().entries(since, until), key=lambda entry: entry.at)
    entries = {_key(entry): entry for entry in in_order}
    ours = _movements(entries.values(), since, until)
    by_intent = Payment.objects.select_related("tenant").in_bulk(
        {entry.payment_intent_id for entry in entries.values() if entry.payment_intent_id},
        field_name="payment_intent_id",
    )
    found = []
    for key, entry in entries.items():
        row = ours.pop(key, None)
        payment = row.payment if row else by_intent.get(entry.payment_intent_id)
        if payment is None or entry.kind == "other":  # others share the account
            continue
        # The second entry of a charge or a refund takes it back, as it failed.
        failed = (entry.kind == "charge" and entry.cents < 0) or (
            entry.kind == "refund" and entry.cents > 0
        )
        cents = 0 if failed else entry.cents
        if row is None and payment.person_why and entry.source_id == payment.charge_id:
            cents -= payment.amount_cents or 0  # known, and credited to nobody
        if _cents_of(row) != cents:
            theirs, mine = in_dollars(micros_of(cents)), in_dollars(micros_of(_cents_of(row)))
            found.append(_Difference(payment, key, f"{theirs} there, and {mine} here"))
    found += [
        _Difference(
            row.payment, key, f"nothing there, and {in_dollars(micros_of(_cents_of(row)))} here"
        )
        for key, row in ours.items()
        # What stands at the edges may be in the books of another time.
        if _cents_of(row) and since + SETTLED_AFTER < row.at < until - SETTLED_AFTER
    ]
    return found


def _key(entry: BalanceEntry) -> str:
    """A dispute has an entry for each time that it moves money; others have one."""
    return entry.id if entry.kind == "dispute" else entry.source_id


def _movements(
    entries: Iterable[BalanceEntry], since: datetime, until: datetime
) -> dict[str, PaymentMovement]:
    known = Q(provider_id__in=[_key(entry) for entry in entries])
    of_the_time = Q(at__gte=since, at__lt=until, provider_id__isnull=False)
    rows = PaymentMovement.objects.filter(known | of_the_time).select_related("payment__tenant")
    return {row.provider_id or "": row for row in rows}


def _cents_of(row: PaymentMovement | None) -> int:
    """What a movement is in the provider's books, where a refund that failed comes to 0."""
    if row is None or row.state == PaymentMovement.State.FAILED:
        return 0
    return row.cents if row.kind in {"charge", "reinstatement"} else -row.cents
