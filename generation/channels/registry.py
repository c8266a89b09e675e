"""The kinds of channels: one line per vendor, and the only place that names them all."""

from typing import TYPE_CHECKING

from generation.channels.channel_kind import AdapterKind
from generation.channels.declaration import Abilities
from generation.channels.openai.kind import KIND as OPENAI

if TYPE_CHECKING:
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.bytes.spool import Spools
    from pictor.kit.outbound.http import HttpPool

KINDS = {kind.name: kind for kind in (OPENAI,)}
DEFAULT_KIND = OPENAI.name
"""A new channel's kind, unless another is given."""
PUBLISHED_COSTS = {
    name: path for kind in KINDS.values() for name, path in kind.published_costs.items()
}
"""All vendors' published prices, by the names that operators type."""


def kind_of(name: str) -> AdapterKind:
    """The kind of that name. Raises ValueError, in words for a person."""
    try:
        return KINDS[name]
    except KeyError:
        raise ValueError(f"no channel kind {name!r}; there are only: {', '.join(KINDS)}") from None


def abilities_of(name: str, upstream_model: str) -> Abilities:
    """The abilities of that model on that kind of channel; none for an unknown kind."""
    kind = KINDS.get(name)
    return kind.of_model(kind.abilities, upstream_model) if kind else Abilities()


def open_adapter(config: "ChannelConfig", http: "HttpPool", spools: "Spools") -> "Adapter":
    """The adapter for a configured channel. Cheap: make one per call. Raises ValueError.

    Args:
        config: the account; an unknown kind raises.
        http: the event loop's clients.
        spools: the scope of its images.
    """
    return kind_of(config.kind).open(config, http, spools)
