"""Reads of a tenant's endpoints and deliveries; another tenant's are never returned."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery

from pictor.kit.database.cursors import all_rows, first_row
from pictor.kit.words import ids
from webhooks.models import Delivery, DeliveryAttempt, Event, WebhookEndpoint

RATED_DELIVERIES = 100
"""The number of latest deliveries that a success rate covers."""
AROUND = timedelta(minutes=5)
"""An event's id is made within this time of the occurrence it is about."""
MAX_ANSWERED = 20
"""The most attempts of a delivery shown with their answers, each at most 64 KB."""


@dataclass(frozen=True, slots=True)
class Record:
    """The results of an endpoint's latest deliveries; those without an attempt are left out."""

    delivered: int = 0
    failed: int = 0

    @property
    def share(self) -> float | None:
        """The share of attempted deliveries that were delivered; None without any."""
        ended = self.delivered + self.failed
        return self.delivered / ended if ended else None


@dataclass(frozen=True, slots=True)
class DueDeliveries:
    """All tenants' due deliveries: their number, and how long the first is overdue."""

    count: int
    overdue_seconds: float


def due_deliveries() -> DueDeliveries:
    """Count the deliveries that a sender could claim now; only enabled endpoints count."""
    (count, seconds) = first_row(
        """
        SELECT COUNT(*),
               COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - MIN(d.due_at)), 0)::float8
          FROM webhooks_delivery d JOIN webhooks_webhookendpoint e ON e.id = d.endpoint_id
         WHERE d.state = 'pending' AND d.due_at <= clock_timestamp() AND e.status = 'enabled'
        """
    )
    return DueDeliveries(count, seconds)


def endpoints_of(tenant_id: UUID, *, livemode: bool | None = None) -> list[WebhookEndpoint]:
    """A tenant's endpoints, newest first, of one mode or of both."""
    return list(_endpoints(tenant_id, livemode=livemode).order_by("-id"))


_FAILING = WebhookEndpoint.objects.filter(
    tenant=OuterRef("tenant_id"),
    failing_since__isnull=False,
    status__in=[WebhookEndpoint.Status.ENABLED, WebhookEndpoint.Status.PAUSED],
)
FAILING_ENDPOINTS = Subquery(
    _FAILING.values("tenant").annotate(number=Count("id")).values("number")
)
"""How many endpoints of a row's tenant fail, or are paused for it; null for none."""


def endpoint_by_id(
    public_id: str, *, tenant_id: UUID, livemode: bool | None = None
) -> WebhookEndpoint | None:
    """The tenant's endpoint with this public id, of one mode or of either."""
    endpoint_id = ids.parse(ids.WEBHOOK_ENDPOINT, public_id)
    if endpoint_id is None:
        return None
    return _endpoints(tenant_id, livemode=livemode).filter(id=endpoint_id).first()


def _endpoints(tenant_id: UUID, *, livemode: bool | None) -> QuerySet[WebhookEndpoint]:
    endpoints = WebhookEndpoint.objects.filter(tenant_id=tenant_id)
    return endpoints if livemode is None else endpoints.filter(livemode=livemode)


def deliveries_of(
    endpoint: WebhookEndpoint, *, state: str = "", after: UUID | None = None, limit: int
) -> list[Delivery]:
    """An endpoint's deliveries older than `after`, with their events, newest first."""
    deliveries = Delivery.objects.filter(endpoint_id=endpoint.id).select_related("event")
    if state:
        deliveries = deliveries.filter(state=state)
    if after is not None:
        deliveries = deliveries.filter(id__lt=after)
    return list(deliveries.order_by("-id")[:limit])


def deliveries_by_event(event_ids: Collection[UUID]) -> dict[UUID, Delivery]:
    """The deliveries of events that go to one endpoint each, by event."""
    return {one.event_id: one for one in Delivery.objects.filter(event_id__in=event_ids)}


def delivery_by_id(public_id: str, *, endpoint: WebhookEndpoint) -> Delivery | None:
    """The endpoint's delivery with this public id, with its event and endpoint."""
    delivery_id = ids.parse(ids.DELIVERY, public_id)
    if delivery_id is None:
        return None
    mine = Delivery.objects.filter(endpoint_id=endpoint.id).select_related("event", "endpoint")
    return mine.filter(id=delivery_id).first()


def attempts_of(deliveries: Iterable[Delivery]) -> Mapping[UUID, list[DeliveryAttempt]]:
    """The attempts at each delivery, in order, without their long answers. One query."""
    found: dict[UUID, list[DeliveryAttempt]] = {delivery.id: [] for delivery in deliveries}
    attempts = DeliveryAttempt.objects.filter(delivery_id__in=found).defer("answer")
    for attempt in attempts.order_by("id"):
        found[attempt.delivery_id].append(attempt)
    return found


def answered_attempts_of(delivery: Delivery) -> list[DeliveryAttempt]:
    """The latest attempts at one delivery, in order, with their answers."""
    attempts = DeliveryAttempt.objects.filter(delivery=delivery)
    return list(attempts.order_by("-id")[:MAX_ANSWERED])[::-1]


def deliveries_about(tenant_id: UUID, subject_id: UUID, *, at: datetime) -> list[Delivery]:
    """Deliveries to the tenant's endpoints about an object's change at that time."""
    around = (ids.first_at(at - AROUND), ids.first_at(at + AROUND))
    events = Event.objects.filter(tenant_id=tenant_id, id__range=around, subject_id=subject_id)
    mine = WebhookEndpoint.objects.filter(tenant_id=tenant_id)
    deliveries = Delivery.objects.filter(event__in=events, endpoint__in=mine)
    return list(deliveries.select_related("event", "endpoint").order_by("id"))


_RECORDS = """
SELECT e.id, count(*) FILTER (WHERE d.state = 'delivered'),
       count(*) FILTER (WHERE d.state = 'failed' OR d.state = 'pending' AND d.tries > 0)
  FROM webhooks_webhookendpoint AS e
 CROSS JOIN LATERAL (
       SELECT state, tries FROM webhooks_delivery WHERE endpoint_id = e.id
        ORDER BY id DESC LIMIT %s) AS d
 WHERE e.tenant_id = %s GROUP BY e.id
"""


def records_of(tenant_id: UUID) -> Mapping[UUID, Record]:
    """The results of each endpoint's latest deliveries; a pending one that failed counts."""
    return {
        row[0]: Record(row[1], row[2]) for row in all_rows(_RECORDS, [RATED_DELIVERIES, tenant_id])
    }
