"""Every endpoint's secrets under the first of PICTOR_ENCRYPTION_KEYS, so that others can go."""

from dataclasses import dataclass

from django.db import transaction

from accounts.models import Actor
from accounts.services import Subject, record
from pictor.kit.secrets.encryption import WrongKey, encrypted_anew, is_newest
from webhooks.models import WebhookEndpoint


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many endpoints' secrets were encrypted anew, and whose no key opens."""

    changed: int
    unreadable: list[str]


@transaction.atomic
def rotate_encryption(*, actor: Actor) -> Rotation:
    """Encrypt the secrets by the first key, unless they are already. Safe to repeat.

    Those that none of the keys opens are left as they are, and their endpoints are named.
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
