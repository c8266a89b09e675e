"""The tenants' data kept by this app: `accounts.holdings.Holdings`, plugged in by `apps.py`."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pictor.kit.database.row_pages import in_pages
from webhooks.forgetting import forget_tenant
from webhooks.models import Delivery, DeliveryAttempt, Event, WebhookEndpoint


def tables(tenant_id: UUID) -> Iterator[tuple[str, Iterator[Mapping[str, Any]]]]:
    """Yield endpoints without their secrets, events, deliveries and attempts."""
    endpoints = WebhookEndpoint.objects.filter(tenant_id=tenant_id)
    columns = ("id", "url", "livemode", "events", "status", "failing_since", "created_at")
    shown = endpoints.values(*columns)
    yield "webhook_endpoints", in_pages(shown)
    events = Event.objects.filter(tenant_id=tenant_id)
    yield "webhook_events", in_pages(events.values("id", "livemode", "type", "at", "body"))
    deliveries = Delivery.objects.filter(event__tenant_id=tenant_id)
    yield (
        "webhook_deliveries",
        in_pages(deliveries.values("id", "event_id", "endpoint_id", "state")),
    )
    attempts = DeliveryAttempt.objects.filter(delivery__event__tenant_id=tenant_id)
    tried = attempts.values("id", "delivery_id", "at", "took_ms", "http_status", "error", "answer")
    yield "webhook_attempts", in_pages(tried)


def files(tenant_id: UUID) -> tuple[()]:
    """Return nothing: this app keeps no files."""
    del tenant_id
    return ()


def erase(*, tenant_id: UUID, now: datetime) -> None:
    """Erase the tenant's endpoints, events, deliveries and answers."""
    del now
    forget_tenant(tenant_id)
