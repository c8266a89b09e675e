"""Encryption of every endpoint's secrets with the newest key, so older keys can be removed.

The newest key is the first of PICTOR_ENCRYPTION_KEYS.
"""

from dataclasses import dataclass

from django.db import transaction

from accounts.models import Actor
from accounts.services import Subject, record
from pictor.kit.secrets.encryption import WrongKey, encrypted_anew, is_newest
from webhooks.models import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class Rotation:
    """The number of endpoints whose secrets were encrypted anew, and the ids of unreadable ones."""

    changed: int
    unreadable: list[str]


@transaction.atomic
def rotate_encryption(*, actor: Actor) -> Rotation:
    """Encrypt the secrets with the first key, unless they already are. Safe to repeat.

    Secrets that no key opens are left as they are, and their endpoints are named.
    """
    changed, unreadable = 0, []
    for endpoint in WebhookEndpoint.objects.select_for_update().order_by("id"):
        stored = [one for one in (endpoint.secret, endpoint.previous_secret) if one]
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
    return Rotation(changed, unreadable)
