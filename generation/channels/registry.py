"""Channel kind -> adapter."""

from collections.abc import Callable

from generation.channels.base import Channel, ChannelConfig
from generation.channels.openai.adapter import OpenAIChannel
from pictor.kit.http import HttpPool
from pictor.kit.spool import Spools

KINDS: dict[str, Callable[[ChannelConfig, HttpPool, Spools], Channel]] = {
    "openai": OpenAIChannel,
}


def open_channel(config: ChannelConfig, http: HttpPool, spools: Spools) -> Channel:
    """The adapter for a configured channel. Cheap: make one per call. ValueError for no such kind.

    Args:
        config: the account.
        http: the event loop's clients.
        spools: where images go.
    """
    try:
        adapter = KINDS[config.kind]
    except KeyError:
        raise ValueError(f"no channel kind {config.kind!r}") from None
    return adapter(config, http, spools)
