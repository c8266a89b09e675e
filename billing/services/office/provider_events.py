"""The payment provider's events: each says that a payment is to be looked at, and no more.

They are pulled each minute, and rung for by the provider's webhook. An event is handled once the
payment's present state is booked; until then it comes again, later each time.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import F, Max, Min

from billing.models import Payment, ProviderEvent
from billing.payments.port import ProviderError
from billing.selectors.office.payments import BOOKS
from billing.services.office.payment_movements import is_live
from billing.services.office.payments import asked_provider, follow
from pictor.kit.database import lock_numbers
from pictor.kit.database.cursors import first_row, run
from pictor.kit.redis.bell import ring as ring_bell
from pictor.kit.words import clock

logger = logging.getLogger(__name__)

TASK = "billing.tasks.handle_provider_events"
PULLED = "pulled"
"""The id of a row of ours, of the type BOOKS: when events were last listed to the end."""
OVERLAP = timedelta(minutes=10)
"""Events are listed again for so long before the newest: some appear late."""
KEPT_FOR = timedelta(days=35)
AT_ONCE = 8
SECONDS_BETWEEN_LOOKS = 0.15
"""A look is three requests, of which the provider wants at most 20 a second."""
UNKNOWN_FOR = timedelta(minutes=1)
"""How long an event of an unknown object waits for the look that may learn its id."""
MOST_WAIT = timedelta(hours=1)

_OURS = """
(SELECT id FROM billing_payment
  WHERE id = %(payment_id)s OR session_id = NULLIF(%(session_id)s, '')
     OR payment_intent_id = NULLIF(%(payment_intent_id)s, '')
     OR charge_id = NULLIF(%(charge_id)s, '') OR invoice_id = NULLIF(%(invoice_id)s, '') LIMIT 1)
"""
_KEEP = f"""
INSERT INTO billing_providerevent (id, type, payment_id, session_id, payment_intent_id, invoice_id,
                                   created_at, received_at, next_at, rang)
VALUES (%(id)s, %(type)s, {_OURS}, %(session_id)s, %(payment_intent_id)s, %(invoice_id)s,
        %(created_at)s, %(now)s, %(now)s, %(rang)s)
ON CONFLICT (id) DO UPDATE SET rang = billing_providerevent.rang OR excluded.rang
"""  # noqa: S608 - our own text


def ring(body: bytes, headers: Mapping[str, str]) -> None:
    """Keep an event that the provider posts, and have it handled at once.

    Raises ValueError if it is not the provider's, or too old.
    """
    event = asked_provider().event_of(body, headers)
    if event is not None and event.live == is_live():
        run(_KEEP, {**asdict(event), "rang": True, "now": clock.now()})
        ring_bell(TASK)


def pull(now: datetime) -> None:
    """Keep the provider's new events. Raises ProviderError."""
    at = asked_provider()
    since = _seen_to(now) - OVERLAP
    known = set(ProviderEvent.objects.filter(created_at__gte=since).values_list("id", flat=True))
    for event in at.events(since):
        if event.id not in known and event.live == is_live():
            run(_KEEP, {**asdict(event), "rang": False, "now": now})
    ours = {"type": BOOKS, "rang": False, "received_at": now, "next_at": now, "handled_at": now}
    ProviderEvent.objects.update_or_create(id=PULLED, defaults={"created_at": now, **ours})


def _seen_to(now: datetime) -> datetime:
    """Return when the newest event was, or the last pull, if that was earlier.

    One that rings after a pause is newer than all that happened in it. Before there are any, it is
    when the first payment was begun.
    """
    newest = ProviderEvent.objects.exclude(type=BOOKS).aggregate(at=Max("created_at"))["at"]
    pulled = ProviderEvent.objects.filter(id=PULLED).values_list("created_at", flat=True).first()
    first = Payment.objects.aggregate(at=Min("begun_at"))["at"] or now
    return min(newest or first, pulled or first)


def handle(now: datetime) -> None:
    """Look at the payments of all due events, and go on until none is due."""
    began = clock.now()
    with lock_numbers.alone(lock_numbers.PROVIDER_EVENTS) as is_mine:
        while is_mine and (due := _due(now + (clock.now() - began))):
            pause = threading.Event()
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="payments") as threads:
                for payment_id, events in due.items():
                    threads.submit(_handle, payment_id, events, now)
                    pause.wait(SECONDS_BETWEEN_LOOKS)  # the provider counts requests a second


def _due(now: datetime) -> Mapping[UUID, Sequence[ProviderEvent]]:
    """Return due events by payment. Those of others' objects, if accounts are shared, are done."""
    waiting = ProviderEvent.objects.filter(handled_at=None, next_at__lte=now).exclude(type=BOOKS)
    due = defaultdict[UUID, list[ProviderEvent]](list)
    for event in waiting.order_by("created_at"):
        # The look that learns the id may have been under way when the event was kept.
        known = {**vars(event), "charge_id": ""}
        payment_id = event.payment_id or first_row(f"SELECT {_OURS}", known)[0]
        if payment_id is not None:
            due[payment_id].append(event)
        elif event.received_at <= now - UNKNOWN_FOR:
            ProviderEvent.objects.filter(id=event.id).update(handled_at=now)
    return due


def _handle(payment_id: UUID, events: Sequence[ProviderEvent], now: datetime) -> None:
    """Handle a payment's events on this thread's own connection."""
    mine = ProviderEvent.objects.filter(id__in=[event.id for event in events])
    tries = max(event.tries for event in events)
    wait = min(timedelta(seconds=10) * 2 ** min(tries, 10), MOST_WAIT)
    try:
        # First, so that an end of this process is one more try.
        mine.update(payment_id=payment_id, tries=F("tries") + 1, next_at=now + wait)
        _learn_ids(payment_id, events)
        follow(payment_id, now=now)
        mine.update(handled_at=now, trouble="")
    except Exception as error:
        # One payment that cannot be booked must not keep the others waiting; it is a condition.
        logger.log(
            logging.WARNING if isinstance(error, ProviderError) else logging.ERROR,
            "payment %s could not be looked at", payment_id, exc_info=True,
        )  # fmt: skip
        with suppress(DatabaseError):
            mine.update(trouble=f"{type(error).__name__}: {error}"[:200])
    finally:
        connection.close()


def _learn_ids(payment_id: UUID, events: Sequence[ProviderEvent]) -> None:
    """Keep the ids of a payment whose page was made, while its answer was lost."""
    for name in ("session_id", "payment_intent_id", "invoice_id"):
        if told := [value for event in events if (value := getattr(event, name))]:
            mine = Payment.objects.filter(id=payment_id, **{name: None})
            mine.update(**{name: told[0]})


def forget(now: datetime) -> None:
    """Delete handled events that the provider has deleted too."""
    old = ProviderEvent.objects.filter(created_at__lt=now - KEPT_FOR)
    old.exclude(handled_at=None).delete()
