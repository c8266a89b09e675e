"""Events written in the transaction of their cause: the beginning of the outbox.

Separate from the rest, which decrypts secrets, because any module that moves money may announce.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pictor.kit.database import prepared
from pictor.kit.database.prepared import SqlPart
from webhooks.models import Delivery, Event, WebhookEndpoint

_ANY = "SELECT 1 FROM webhooks_webhookendpoint WHERE tenant_id = %s AND livemode = %s LIMIT 1"


def no_listeners_part(from_part: str) -> SqlPart:
    """A part with each `id` of `from_part` (with `tenant_id`, `livemode`) that no webhook hears."""
    endpoints = "webhooks_webhookendpoint AS e WHERE (e.tenant_id, e.livemode) ="
    text = (
        f"SELECT g.id FROM {from_part} AS g"  # noqa: S608 - our own names
        f" WHERE NOT EXISTS (SELECT FROM {endpoints} (g.tenant_id, g.livemode))"
    )
    return SqlPart(text, ())


def announce(
    *,
    tenant_id: UUID,
    livemode: bool,
    event_type: str,
    subject_id: UUID,
    at: datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Queue an event for the tenant's endpoints of that mode. Call it inside a transaction.

    It is sent after the commit. Without endpoints nothing is written; with a disabled endpoint the
    event is kept, because it may be sent later. `data` is for contents that cannot be rendered
    later (contents.py).
    """
    if prepared.fetch_one(_ANY, [tenant_id, livemode]) is None:
        return
    endpoints_of_mode = WebhookEndpoint.objects.filter(tenant_id=tenant_id, livemode=livemode)
    endpoints = list(endpoints_of_mode.only("status", "events"))
    event = Event(
        tenant_id=tenant_id, livemode=livemode, type=event_type, subject_id=subject_id, at=at
    )
    if data is not None:
        from webhooks.events import body_with  # noqa: PLC0415 - settling needs no serializers

        event.body = body_with(event, data)
    event.save(force_insert=True)
    Delivery.objects.bulk_create(
        Delivery(event=event, endpoint_id=endpoint.id, due_at=at)
        for endpoint in endpoints
        if endpoint.is_enabled and endpoint.wants(event_type)
    )
