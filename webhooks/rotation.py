"""Rotation: of one endpoint's secret, and of the key that encrypts the secrets of all endpoints.

The newest key is the first of PICTOR_ENCRYPTION_KEYS. Once all secrets are encrypted by it, older
keys can be removed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Actor
from accounts.services import Subject, record
from pictor.kit.secrets.encryption import WrongKey, encrypted, encrypted_anew, is_newest
from webhooks import signing
from webhooks.models import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class SecretEncryption:
    """The number of endpoints whose secrets were encrypted anew, and the ids of unreadable ones."""

    changed: int
    unreadable: list[str]


def replace_secret(
    endpoint: WebhookEndpoint, *, overlap: timedelta, now: datetime, way_out: str
) -> str:
    """Lock the endpoint, and return its new secret; the former one signs too for `overlap`.

    Only one former secret is kept. Raises ValidationError if another one would end before its time;
    without an overlap all of them end at once. `way_out` ends its message: the step that ends all
    secrets at once, for a person who has not received the present one. Raises
    WebhookEndpoint.DoesNotExist if the endpoint was deleted meanwhile.
    """
    endpoint.refresh_from_db(from_queryset=WebhookEndpoint.objects.select_for_update())
    until = endpoint.previous_until
    if overlap and until is not None and until > now:
        raise ValidationError(
            f"The secret before the present one signs until {until:%-d %b %Y, %H:%M:%S} UTC and may"
            f" still be in use: rotate again after that. To end all secrets at once, {way_out}."
        )
    secret = signing.new_secret()
    endpoint.previous_secret, endpoint.previous_until = (
        (endpoint.secret, now + overlap) if overlap else ("", None)
    )
    endpoint.secret = encrypted(secret)
    endpoint.save(update_fields=["secret", "previous_secret", "previous_until"])
    return secret


@transaction.atomic
def rotate_encryption(*, actor: Actor) -> SecretEncryption:
    """Encrypt the secrets with the first key, unless they already are. Safe to repeat.

    Secrets that no key opens are left as they are, and their endpoints are named.
    """
    changed, unreadable = 0, []
    for endpoint in WebhookEndpoint.objects.select_for_update().order_by("id"):
        stored = [secret for secret in (endpoint.secret, endpoint.previous_secret) if secret]
        if all(map(is_newest, stored)):
            continue
        try:
            endpoint.secret, *previous = map(encrypted_anew, stored)
        except WrongKey:
            unreadable.append(endpoint.public_id)
            continue
        endpoint.previous_secret = "".join(previous)
        endpoint.save(update_fields=["secret", "previous_secret"])
        changed += 1
    if changed:
        record(
            Subject("webhook_endpoint", "all"),
            "webhook_endpoint.encrypt",
            actor=actor,
            after={"secrets": f"those of {changed} encrypted by the first key"},
        )
    return SecretEncryption(changed, unreadable)
