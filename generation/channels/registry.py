"""Channel kind -> adapter."""

from collections.abc import Callable

from generation.channels.base import Adapter, ChannelConfig
from generation.channels.openai.adapter import OpenAIAdapter
from pictor.kit.http import HttpPool
from pictor.kit.spool import Spools

KINDS: dict[str, Callable[[ChannelConfig, HttpPool, Spools], Adapter]] = {
    "openai": OpenAIAdapter,
}


def open_adapter(config: ChannelConfig, http: HttpPool, spools: Spools) -> Adapter:
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
