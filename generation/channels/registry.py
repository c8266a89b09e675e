"""The kinds of channels: one word per vendor, and the only place that names them all."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from generation.channels.channel_kind import AdapterKind
from generation.channels.declaration import Abilities

if TYPE_CHECKING:
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.bytes.spool import Spools
    from pictor.kit.outbound.http import HttpPool


class _Kinds(Mapping[str, AdapterKind]):
    """Kinds by name. Each is `kind.KIND` of its folder, loaded on first use: most serve nobody."""

    def __init__(self, *names: str) -> None:
        self._names = names

    @override
    def __getitem__(self, name: str) -> AdapterKind:
        if name not in self._names:
            raise KeyError(name)
        kind: AdapterKind = import_module(f"generation.channels.{name}.kind").KIND
        return kind

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    @override
    def __len__(self) -> int:
        return len(self._names)


KINDS = _Kinds(
    *("openai", "azure_openai", "gemini", "vertex", "fal", "ark", "openrouter", "xai"),
    *("bfl", "replicate", "comfyui"),
)
DEFAULT_KIND = "openai"
"""A new channel's kind, unless another is given."""


def published_costs() -> Mapping[str, Path]:
    """All vendors' published prices, by the names that operators type."""
    return {name: path for kind in KINDS.values() for name, path in kind.published_costs.items()}


def kind_of(name: str) -> AdapterKind:
    """The kind of that name. Raises ValueError, in words for a person."""
    try:
        return KINDS[name]
    except KeyError:
        raise ValueError(f"no channel kind {name!r}; there are only: {', '.join(KINDS)}") from None


def abilities_of(
    name: str, upstream_model: str, field_map: Mapping[str, Any] | None = None
) -> Abilities:
    """The abilities of that model on that kind of channel; none for an unknown kind."""
    kind = KINDS.get(name)
    if kind is None:
        return Abilities()
    abilities = kind.of_model(kind.abilities, upstream_model)
    return kind.request_map.narrowed(abilities, field_map or {}) if kind.request_map else abilities


def told_map(name: str, field_map: Mapping[str, Any] | None) -> Sequence[str]:
    """What a route of that kind says of its requests, in lines."""
    kind = KINDS.get(name)
    return kind.request_map.told(field_map) if kind and kind.request_map and field_map else ()


def open_adapter(config: "ChannelConfig", http: "HttpPool", spools: "Spools") -> "Adapter":
    """The adapter for a configured channel. Cheap: make one per call. Raises ValueError.

    Args:
        config: the account; an unknown kind raises.
        http: the event loop's clients.
        spools: the scope of its images.
    """
    return kind_of(config.kind).open(config, http, spools)
