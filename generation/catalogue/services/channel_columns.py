"""Writing checked columns into a channel."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from django.core.exceptions import ValidationError

from generation.catalogue.credentials import encrypted
from generation.catalogue.services.addresses import origin_of
from generation.models import Channel


def with_columns(channel: Channel, columns: Mapping[str, Any]) -> Channel:
    """A copy with these columns, the API key encrypted; nothing is saved."""
    after = copy(channel)
    for column, value in columns.items():
        if column == "api_key":
            after.credentials = encrypted(value)
        else:
            setattr(after, column, value)
    return after


def check_origin(columns: Mapping[str, Any], channel: Channel) -> None:
    """Raise ValidationError if a key given for this origin would be sent to another."""
    kind = columns.get("kind", channel.kind)
    base_url = columns.get("base_url", channel.base_url)
    if "api_key" in columns:
        return
    if kind != channel.kind:
        raise ValidationError({"api_key": "another kind of channel needs its own API key"})
    if origin_of(base_url) != origin_of(channel.base_url):
        raise ValidationError({"api_key": "another origin needs its own API key"})
