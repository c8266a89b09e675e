"""Re-encrypt channel credentials by the first of PICTOR_ENCRYPTION_KEYS, so others can go."""

from dataclasses import dataclass

from django.db import transaction

from accounts.services import Actor, record
from generation.catalogue.credentials import decrypted, encrypted, is_newest
from generation.catalogue.services import replace_credentials, stored_credentials, take_turns
from generation.models import Channel
from pictor.kit.secrets.encryption import WrongKey


@dataclass(frozen=True, slots=True)
class CredentialRotation:
    """The numbers of re-encrypted and unchanged credentials, and the channels no key opens."""

    changed: int
    unchanged: int
    unreadable: list[str]


@transaction.atomic
def rotate_credentials(*, actor: Actor) -> CredentialRotation:
    """Encrypt each credential by the first key, unless it is already. Safe to repeat.

    A credential that no key opens is left, and its channel is named. Approvals stay: the
    credential itself does not change.
    """
    take_turns()
    changed, unchanged, unreadable = 0, 0, []
    for channel in Channel.objects.order_by("id"):
        before = stored_credentials(channel)
        old = [text for text in before if not is_newest(text)]
        unchanged += len(before) - len(old)
        new = {}
        for text in old:
            try:
                new[text] = encrypted(decrypted(text))
            except WrongKey:
                unreadable.append(channel.name)
        if new:
            replace_credentials(channel, new)
            after = {"api_key": "encrypted by the first key"}
            record(channel.audited, "channel.rotate", actor=actor, after=after)
            changed += len(new)
    return CredentialRotation(changed, unchanged, unreadable)
