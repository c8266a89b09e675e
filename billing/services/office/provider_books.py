"""Compares our charges, refunds and disputes with the provider's own books, by their amounts.

It also finds what no event told: such a payment is looked at, and compared again. What still
differs is kept, as an event of the type BOOKS whose `trouble` says how, until it no longer does.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Min, Q

from billing.models import Payment, PaymentMovement, ProviderEvent
from billing.payments.port import BalanceEntry
from billing.payments.shares import dollars_of
from billing.selectors.office.payments import BOOKS, differences
from billing.services.office.payments import asked_provider, each_alone, follow

WINDOW = timedelta(days=3)
"""Each day is compared three times: an entry may come late."""
LONGEST = timedelta(days=30)
"""What has differed for so long is no longer compared, and stays known."""
SETTLED_AFTER = timedelta(hours=1)
LEAST_BETWEEN = timedelta(hours=20)


def keep_differences(now: datetime) -> None:
    """Compare once a day, look at what differs, and keep what differs still."""
    last = ProviderEvent.objects.filter(id=BOOKS).first()
    if last is not None and now - last.created_at < LEAST_BETWEEN:
        return
    oldest = differences().aggregate(at=Min("created_at"))["at"] or now
    since = max(min(oldest - 2 * SETTLED_AFTER, now - WINDOW), now - LONGEST)
    until = now - SETTLED_AFTER
    differing = {one.payment_id for one in compare(since, until) if one.payment_id}
    each_alone(differing, partial(follow, now=now))
    found = compare(since, until)
    ProviderEvent.objects.bulk_create(
        [*found, _event(BOOKS, now, handled_at=now)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["created_at", "trouble", "handled_at"],
    )
    compared = differences().filter(created_at__gte=since)
    compared.exclude(id__in=[one.id for one in found]).update(handled_at=now)


def _event(name: str, at: datetime, **told: object) -> ProviderEvent:
    return ProviderEvent(
        id=name, type=BOOKS, created_at=at, received_at=at, next_at=at, rang=False, **told
    )


def compare(since: datetime, until: datetime) -> list[ProviderEvent]:
    """Return where the provider's books and ours differ, not saved. Raises ProviderError."""
    listed = list(asked_provider().entries(since, until))
    in_order = sorted(listed, key=lambda entry: entry.at)
    return list(_differences({_key(entry): entry for entry in in_order}, since, until))


def _differences(
    entries: dict[str, BalanceEntry], since: datetime, until: datetime
) -> Iterator[ProviderEvent]:
    of_the_time = Q(at__gte=since, at__lt=until, provider_id__isnull=False)
    rows = PaymentMovement.objects.filter(Q(provider_id__in=entries) | of_the_time)
    ours = {row.provider_id or "": row for row in rows.select_related("payment")}
    intents = {entry.payment_intent_id for entry in entries.values()} - {""}
    by_intent = Payment.objects.in_bulk(intents, field_name="payment_intent_id")
    for key, entry in entries.items():
        row = ours.pop(key, None)
        payment = row.payment if row else by_intent.get(entry.payment_intent_id)
        if payment is None or entry.kind == "other":  # others share the account
            continue
        # The second entry of a charge or a refund takes it back, as it failed.
        has_failed = entry.cents * {"charge": -1, "refund": 1}.get(entry.kind, 0) > 0
        cents = 0 if has_failed else entry.cents
        if row is None and payment.person_why and entry.source_id == payment.charge_id:
            cents -= payment.amount_cents or 0  # known, and credited to nobody
        if _cents_of(row) != cents:
            how = f"{dollars_of(cents)} there, and {dollars_of(_cents_of(row))} here"
            yield _event(f"{BOOKS}:{key}", entry.at, payment=payment, trouble=how)
    for key, row in ours.items():
        # What stands at the edges may be in the books of another time.
        if _cents_of(row) and since + SETTLED_AFTER < row.at < until - SETTLED_AFTER:
            how = f"nothing there, and {dollars_of(_cents_of(row))} here"
            yield _event(f"{BOOKS}:{key}", row.at, payment=row.payment, trouble=how)


def _key(entry: BalanceEntry) -> str:
    """A dispute has an entry for each time that it moves money; others have one."""
    return entry.id if entry.kind == "dispute" else entry.source_id


def _cents_of(row: PaymentMovement | None) -> int:
    """What a movement is in the provider's books, where a refund that failed comes to 0."""
    if row is None or row.state == PaymentMovement.State.FAILED:
        return 0
    return row.cents if row.kind in {"charge", "reinstatement"} else -row.cents
