"""Deliveries: claimed, and recorded after each attempt.

Each event is delivered at least once: a claim lasts a minute, so a sender that dies only delays its
deliveries. The order of events is not promised.
"""

import logging
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, When

from pictor.kit.database.cursors import first_column
from pictor.kit.secrets.encryption import WrongKey, decrypted
from webhooks import retry
from webhooks.contents import contents
from webhooks.models import Delivery, DeliveryAttempt, Event, WebhookEndpoint
from webhooks.pausing import disable, pause

LEASE = timedelta(seconds=60)
"""The duration of a claim: longer than an attempt may take."""
SHORT_ANSWER_CHARS = 1000
"""Answers up to this length are always kept whole."""
LONG_ANSWERS_CHARS = 4 * 1024**2
"""Characters of longer answers kept per day and endpoint, for 30 days; further ones are cut."""
OF_ONE_TENANT = 20
"""The most deliveries of one tenant at once in a process, over all its endpoints."""
SIDE_BY_SIDE = 8
"""The most deliveries to one endpoint at once; to a failing endpoint only one."""

logger = logging.getLogger(__name__)

_JITTER = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """A delivery that a sender has claimed."""

    delivery_id: UUID
    endpoint_id: UUID
    event_id: str
    url: str
    body: bytes
    secrets: Sequence[str]
    until: datetime
    """The end of the claim; a delivery with another time was sent again by hand meanwhile."""
    test_of: UUID | None = None
    """The tenant, if the event is about a test."""


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """An attempt's result: the answer's status and beginning, or why there is none."""

    began_at: datetime
    took: timedelta
    status: int | None = None
    error: str = ""
    answer: str = ""


# Fair turns: each tenant's first delivery comes before any tenant's second, counting those in hand.
# So a tenant with many deliveries or slow servers delays no other. The installation counts as a
# tenant.
# State and time are asked again under the lock: another sender may have claimed it.
_CLAIM = """
WITH hand AS (
    SELECT COALESCE(e.tenant_id, %(house)s) AS tenant_id, SUM(h.count) AS count
      FROM unnest(%(busy)s::uuid[], %(counts)s::int[]) AS h (id, count)
      JOIN webhooks_webhookendpoint AS e ON e.id = h.id GROUP BY 1
), ready AS (
    SELECT d.id, d.due_at, COALESCE(h.count, 0)
           + row_number() OVER (PARTITION BY e.tenant_id ORDER BY d.place, d.due_at) AS turn
      FROM webhooks_webhookendpoint AS e
     CROSS JOIN LATERAL (
           SELECT id, due_at, row_number() OVER (ORDER BY due_at) AS place
             FROM webhooks_delivery
            WHERE endpoint_id = e.id AND state = 'pending' AND due_at <= %(now)s
            ORDER BY due_at LIMIT %(side_by_side)s) AS d
      LEFT JOIN hand AS h ON h.tenant_id = COALESCE(e.tenant_id, %(house)s)
     WHERE e.status = 'enabled' AND NOT e.id = ANY(%(full)s)
       AND (e.failing_since IS NULL OR d.place = 1 AND NOT e.id = ANY(%(busy)s))
), due AS MATERIALIZED (
    SELECT id FROM ready WHERE turn <= %(of_one_tenant)s ORDER BY turn, due_at LIMIT %(limit)s)
UPDATE webhooks_delivery SET due_at = %(until)s
 WHERE id IN (SELECT id FROM webhooks_delivery
               WHERE id IN (SELECT id FROM due) AND state = 'pending' AND due_at <= %(now)s
                 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def claim(*, now: datetime, limit: int, in_hand: Mapping[UUID, int]) -> list[HeldDelivery]:
    """Claim at most `limit` due deliveries for a minute.

    `in_hand`: the number of deliveries that this process is sending, by endpoint.
    """
    values: dict[str, Any] = {
        "now": now,
        "until": now + LEASE,
        "side_by_side": SIDE_BY_SIDE,
        "limit": limit,
        "full": [endpoint for endpoint, count in in_hand.items() if count >= SIDE_BY_SIDE],
        "busy": list(in_hand),
        "counts": list(in_hand.values()),
        "of_one_tenant": OF_ONE_TENANT,
        "house": UUID(int=0),
    }
    claimed = first_column(_CLAIM, values)
    return _deliveries(claimed, now)


def _deliveries(delivery_ids: Collection[UUID], now: datetime) -> list[HeldDelivery]:
    if not delivery_ids:
        return []
    deliveries = []
    rows = Delivery.objects.filter(id__in=delivery_ids).select_related("event", "endpoint")
    for row in rows.order_by("id"):  # the oldest begins first
        try:
            deliveries.append(_delivery(row, now))
        except (WrongKey, LookupError) as error:  # ours to mend; due again in a minute
            logger.exception("%s cannot be sent: %s", row.public_id, type(error).__name__)
    return deliveries


def _delivery(row: Delivery, now: datetime) -> HeldDelivery:
    return HeldDelivery(
        delivery_id=row.id,
        endpoint_id=row.endpoint_id,
        event_id=row.event.public_id,
        url=row.endpoint.url,
        body=_body_of(row.event).encode(),
        secrets=_secrets_of(row.endpoint, now),
        until=now + LEASE,
        test_of=None if row.event.livemode else row.event.tenant_id,
    )


def _secrets_of(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """The secrets to sign with, the newest first."""
    is_rotating = endpoint.previous_until is not None and endpoint.previous_until > now
    stored = [endpoint.secret, *([endpoint.previous_secret] if is_rotating else [])]
    return [decrypted(secret) for secret in stored]


def _body_of(event: Event) -> str:
    """Return the event's body, rendered and stored on first use."""
    if not event.body:
        from webhooks.events import body_with  # noqa: PLC0415 - with all that documents it

        data = contents().data_of(event.subject_id)
        # Of two senders the first decides: what was sent once never changes.
        Event.objects.filter(id=event.id, body="").update(body=body_with(event, data))
        event.refresh_from_db(fields=["body"])
    return event.body


def put_off(*, delivery: HeldDelivery, now: datetime) -> None:
    """Postpone a delivery to the next UTC day without an attempt."""
    tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time.min, UTC)
    still_held = Delivery.objects.filter(
        id=delivery.delivery_id, state=Delivery.State.PENDING, due_at=delivery.until
    )
    still_held.update(due_at=tomorrow)


@transaction.atomic
def write_down(*, delivery: HeldDelivery, outcome: DeliveryOutcome, now: datetime) -> None:
    """Record an attempt, and decide the next step of the delivery and its endpoint.

    A delivery that was sent again by hand meanwhile stays due: this attempt began before that.
    """
    # Locked, so that a resend by hand comes wholly before or after this.
    row = Delivery.objects.select_for_update().filter(id=delivery.delivery_id).first()
    endpoint = WebhookEndpoint.objects.filter(id=delivery.endpoint_id).first()
    if row is None or endpoint is None:
        return  # deleted meanwhile
    DeliveryAttempt.objects.create(
        delivery=row,
        at=outcome.began_at,
        took_ms=outcome.took // timedelta(milliseconds=1),
        http_status=outcome.status,
        error=outcome.error,
        answer=_answer_to_keep(endpoint, outcome.answer, now),
    )
    if row.due_at == delivery.until:
        _go_on(row, outcome, now)
    _judge(endpoint, outcome, now)


def _go_on(delivery: Delivery, outcome: DeliveryOutcome, now: datetime) -> None:
    """Schedule the delivery's next attempt, or end it."""
    delivery.tries += 1
    if retry.is_taken(outcome.status):
        delivery.state = Delivery.State.DELIVERED
    elif delivery.state == Delivery.State.PENDING:  # it may have been given up meanwhile
        wait = retry.next_wait(delivery.tries, roll=_JITTER.random())
        if wait is None:
            delivery.state = Delivery.State.FAILED
        else:
            delivery.due_at = now + wait
    delivery.save(update_fields=["tries", "state", "due_at"])


def _answer_to_keep(endpoint: WebhookEndpoint, answer: str, now: datetime) -> str:
    """Return the answer, or only its beginning if the endpoint has sent too much today."""
    if len(answer) <= SHORT_ANSWER_CHARS:
        return answer
    today = now.date()
    so_far = Case(When(answers_on=today, then=F("answers_chars")), default=0)
    # One conditional statement, since attempts end side by side.
    has_room = WebhookEndpoint.objects.filter(id=endpoint.id).exclude(
        answers_on=today, answers_chars__gt=LONG_ANSWERS_CHARS - len(answer)
    )
    if has_room.update(answers_chars=so_far + len(answer), answers_on=today):
        return answer
    return answer[:SHORT_ANSWER_CHARS]


def _judge(endpoint: WebhookEndpoint, outcome: DeliveryOutcome, now: datetime) -> None:
    """Apply the attempt's result to the endpoint."""
    rows = WebhookEndpoint.objects.filter(id=endpoint.id)
    if retry.is_taken(outcome.status):
        if endpoint.failing_since is not None:
            rows.update(failing_since=None)
    elif retry.is_gone(outcome.status):
        disable(endpoint)
    elif endpoint.failing_since is None:
        # Of attempts that fail side by side, the first counts.
        rows.filter(failing_since=None).update(failing_since=now)
    elif retry.is_hopeless(endpoint.failing_since, now):
        pause(endpoint)
