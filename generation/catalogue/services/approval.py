"""Whether a channel may be enabled: a test of its present kind, address and key has passed.

Kept as a digest of the three, the key as it is stored: any change of one asks for another test.
Rotation, which stores the same key anew, carries the approval over. A channel that test keys may
use is tested for being a sandbox with each of the upstream's models, so to let them asks for one
too, and so does another of those models.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import Actor, record
from generation.models import Channel, Serves

TESTED_COLUMNS = ("kind", "base_url", "credentials")


def digest_of(channel: Channel) -> str:
    """Of what a test of the channel is about."""
    facts = [getattr(channel, column) for column in TESTED_COLUMNS]
    if is_sandbox(channel.serves):
        models = channel.routes.values_list("upstream_model", flat=True)
        facts += ["sandbox", *sorted(set(models))]
    return sha256("\n".join(facts).encode()).hexdigest()


def is_sandbox(serves: str) -> bool:
    """Whether a channel that serves these keys' requests must be a sandbox."""
    return serves != Serves.LIVE


def is_approved(channel: Channel) -> bool:
    """Whether its present kind, address and key have been tested, or were enabled untested."""
    return channel.approved_digest == digest_of(channel)


def refuse_untested(channel: Channel) -> None:
    """Raises ValidationError unless the channel may be enabled as it is."""
    if not is_approved(channel):
        raise ValidationError(
            f"{channel.name} has not passed a test with its present address and key:"
            f" run `manage.py channel test {channel.name}` first"
        )


def refuse_untested_change(channel: Channel, columns: Mapping[str, Any]) -> None:
    """The same for a channel that checked columns would change and enable, in a form."""
    if channel.is_enabled or not columns.get("is_enabled"):
        return
    stays = all(
        columns.get(name, getattr(channel, name)) == getattr(channel, name)
        for name in ("kind", "base_url")
    )
    stays = stays and is_sandbox(columns.get("serves", channel.serves)) == is_sandbox(
        channel.serves
    )
    if not stays or "api_key" in columns or not is_approved(channel):
        raise ValidationError(
            {
                "is_enabled": "save it disabled, run `manage.py channel test` with its name, and"
                " enable it once that has passed"
            }
        )


@transaction.atomic
def passed_test(*, channel: Channel, digest: str, actor: Actor) -> None:
    """Keep that a test passed. `digest` is of what was tested: the channel before the test."""
    channel.approved_digest = digest
    Channel.objects.filter(pk=channel.pk).update(approved_digest=channel.approved_digest)
    record(
        channel.audited,
        "channel.test",
        actor=actor,
        after={"passed": True, "base_url": channel.base_url},
    )
