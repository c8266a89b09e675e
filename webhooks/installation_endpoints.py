"""Endpoints of the installation itself, for events that operators asked for.

Their events are signed, guarded, retried, paused and deleted like tenants' events. The caller
writes the audit events.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from pictor.kit.secrets.encryption import encrypted
from webhooks import signing
from webhooks.models import Delivery, Event, WebhookEndpoint

LEAST_BYTES, MAX_BYTES = 24, 64
"""The length of a secret in bytes, as in Standard Webhooks."""


def check_secret(secret: str) -> None:
    """Raise ValidationError for a secret that cannot sign."""
    encoded = secret.removeprefix(signing.PREFIX)
    try:
        length = len(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if encoded == secret or not LEAST_BYTES <= length <= MAX_BYTES:
        words = f"a secret must be {signing.PREFIX} and the base64 of {LEAST_BYTES} to {MAX_BYTES}"
        raise ValidationError({"secret": f"{words} bytes, on one line"})


def open_endpoint(url: str, secret: str) -> WebhookEndpoint:
    """Create an endpoint; the caller has checked its url and secret."""
    return WebhookEndpoint.objects.create(url=url, events=[], secret=encrypted(secret))


def change_endpoint(endpoint: WebhookEndpoint, *, url: str, secret: str) -> None:
    """Change the url, and the secret if one is given.

    With a new url the endpoint starts afresh: pending deliveries to the former url are given up.
    """
    if url != endpoint.url:
        give_up(endpoint)
        endpoint.url, endpoint.failing_since = url, None
        endpoint.status = WebhookEndpoint.Status.ENABLED
    if secret:
        endpoint.secret, endpoint.previous_secret = encrypted(secret), ""
        endpoint.previous_until = None
    endpoint.save()


def close_endpoint(endpoint: WebhookEndpoint) -> None:
    """Delete the endpoint; its deliveries go within the hour."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()


def reopen(endpoint: WebhookEndpoint) -> None:
    """Enable the endpoint again if it is paused or disabled."""
    if not endpoint.is_enabled:
        endpoint.status, endpoint.failing_since = WebhookEndpoint.Status.ENABLED, None
        endpoint.save(update_fields=["status", "failing_since"])


def queue_event(
    endpoint: WebhookEndpoint,
    *,
    event_type: str,
    subject_id: UUID,
    at: datetime,
    data: Mapping[str, Any],
) -> Event:
    """Queue an event for one endpoint, inside a transaction; it is sent after the commit."""
    from webhooks.events import body_with  # noqa: PLC0415 - with all that documents it

    event = Event(type=event_type, subject_id=subject_id, at=at)
    event.body = body_with(event, data)
    event.save(force_insert=True)
    Delivery.objects.create(event=event, endpoint=endpoint, due_at=at)
    return event


def give_up(endpoint: WebhookEndpoint) -> None:
    """Give up the endpoint's pending deliveries."""
    pending = Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.PENDING)
    pending.update(state=Delivery.State.FAILED)
