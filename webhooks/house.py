"""Endpoints of the house: no tenant's, told of what operators asked to be told of.

What is sent there is signed, guarded, tried again, paused and forgotten as tenants' events are.
Whoever has such an endpoint audits what is done with it.
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

LEAST_BYTES, MOST_BYTES = 24, 64
"""Of a secret: as Standard Webhooks has it."""


def check_secret(secret: str) -> None:
    """Raises ValidationError for a secret that nothing can be signed with."""
    encoded = secret.removeprefix(signing.PREFIX)
    try:
        length = len(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if encoded == secret or not LEAST_BYTES <= length <= MOST_BYTES:
        words = f"a secret is {signing.PREFIX} and the base64 of {LEAST_BYTES} to {MOST_BYTES}"
        raise ValidationError({"secret": f"{words} bytes, on one line"})


def open_endpoint(url: str, secret: str) -> WebhookEndpoint:
    """A new endpoint, its url and secret checked before."""
    return WebhookEndpoint.objects.create(url=url, events=[], secret=encrypted(secret))


def change_endpoint(endpoint: WebhookEndpoint, *, url: str, secret: str) -> None:
    """Another url, and another secret where one is given.

    With a new url it begins anew: what is on its way to the former one is given up.
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
    """Send nothing more there; what was sent goes within the hour."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()


def reopen(endpoint: WebhookEndpoint) -> None:
    """Send there again, where it was paused or has switched itself off."""
    if not endpoint.is_enabled:
        endpoint.status, endpoint.failing_since = WebhookEndpoint.Status.ENABLED, None
        endpoint.save(update_fields=["status", "failing_since"])


def rotate_secret(endpoint: WebhookEndpoint, *, until: datetime) -> str:
    """A new secret; the former one signs too until then."""
    secret = signing.new_secret()
    endpoint.previous_secret, endpoint.previous_until = endpoint.secret, until
    endpoint.secret = encrypted(secret)
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    return secret


def tell(
    endpoint: WebhookEndpoint,
    *,
    event_type: str,
    subject_id: UUID,
    at: datetime,
    data: Mapping[str, Any],
) -> Event:
    """Tell one endpoint once this transaction is committed: call it inside."""
    from webhooks.events import body_with  # noqa: PLC0415 - with all that documents it

    event = Event(type=event_type, subject_id=subject_id, at=at)
    event.body = body_with(event, data)
    event.save(force_insert=True)
    Delivery.objects.create(event=event, endpoint=endpoint, due_at=at)
    return event


def give_up(endpoint: WebhookEndpoint) -> None:
    """Try nothing again that is on its way there."""
    pending = Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.PENDING)
    pending.update(state=Delivery.State.FAILED)
