"""Whether a channel may be enabled: a test of its present kind, address and key has passed.

Kept as a digest of the three, the key as it is stored: any change of one asks for another test.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.services import Actor, record
from generation.models import Channel

TESTED_COLUMNS = ("kind", "base_url", "credentials")


def digest_of(channel: Channel) -> str:
    """Of what a test of the channel is about."""
    return sha256(
        "\n".join(getattr(channel, column) for column in TESTED_COLUMNS).encode()
    ).hexdigest()


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
    if not stays or "api_key" in columns or not is_approved(channel):
        raise ValidationError(
            {
                "is_enabled": "save it disabled, run `manage.py channel test` with its name, and"
                " enable it once that has passed"
            }
        )


@transaction.atomic
def passed_test(*, channel: Channel, actor: Actor, ip: str | None = None) -> None:
    """Keep that a test passed with the kind, address and key that `channel` was loaded with."""
    channel.approved_digest = digest_of(channel)
    Channel.objects.filter(pk=channel.pk).update(approved_digest=channel.approved_digest)
    record(
        actor=actor,
        action="channel.test",
        object_type="channel",
        object_id=channel.name[:60],
        after={"passed": True, "base_url": channel.base_url},
        ip=ip,
    )
