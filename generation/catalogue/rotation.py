"""Every channel's credential under the first of PICTOR_ENCRYPTION_KEYS, so that others can go."""

from dataclasses import dataclass

from django.db import transaction

from accounts.services import Actor, record
from generation.catalogue.credentials import decrypted, encrypted, is_newest
from generation.catalogue.services import digest_of, is_approved
from generation.models import Channel
from pictor.kit.encryption import WrongKey


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many credentials were encrypted anew, how many were so before, and whose no key opens."""

    changed: int
    unchanged: int
    unreadable: list[str]


@transaction.atomic
def rotate_credentials(*, actor: Actor) -> Rotation:
    """Encrypt each credential by the first key, unless it is already. Safe to repeat.

    One that none of the keys opens is left as it is, and its channel is named. What was tested
    stays so: the key that a channel calls with is the same.
    """
    changed, unchanged, unreadable = 0, 0, []
    for channel in Channel.objects.select_for_update().exclude(credentials="").order_by("id"):
        if is_newest(channel.credentials):
            unchanged += 1
            continue
        was_approved = is_approved(channel)
        try:
            channel.credentials = encrypted(decrypted(channel.credentials))
        except WrongKey:
            unreadable.append(channel.name)
            continue
        if was_approved:
            channel.approved_digest = digest_of(channel)
        channel.save(update_fields=["credentials", "approved_digest"])
        after = {"api_key": "encrypted by the first key"}
        record(channel.audited, "channel.rotate", actor=actor, after=after)
        changed += 1
    return Rotation(changed, unchanged, unreadable)
