"""A kind of channel: its abilities, and its adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.channels.declaration import Abilities, AccountSetting, CredentialForm, RequestMap

if TYPE_CHECKING:  # operators' commands read declarations and need no HTTP client
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.bytes.spool import Spools
    from pictor.kit.outbound.http import HttpPool

    Open = Callable[[ChannelConfig, HttpPool, Spools], Adapter]


def by_adapter(place: str) -> "Open":
    """Opens the adapter class at that place, which is loaded only for a call."""

    def opened(config: "ChannelConfig", http: "HttpPool", spools: "Spools") -> "Adapter":
        adapter: Adapter = _class_at(place)(config, http, spools)
        return adapter

    return opened


def by_wire(place: str, *, has_tokens: bool = False, **options: Any) -> "Open":
    """Opens an adapter by the wire class at that place.

    Args:
        place: of the class, which is loaded only for a call.
        has_tokens: the account's credential is good for tokens only; the class is a TokenWire.
        options: those of WireAdapter.
    """
    name = "account_tokens.TokenAdapter" if has_tokens else "engine.WireAdapter"

    def opened(config: "ChannelConfig", http: "HttpPool", spools: "Spools") -> "Adapter":
        wire_adapter, wire = _class_at(f"generation.channels.{name}"), _class_at(place)(config)
        most = {"max_n": config.max_n or options.get("max_n", 0)}
        adapter: Adapter = wire_adapter(config, http, spools, wire, **options | most)
        return adapter

    return opened


def _class_at(place: str) -> Any:
    module, _, name = place.rpartition(".")
    return getattr(import_module(module), name)


def _all_of_it(abilities: Abilities, upstream_model: str) -> Abilities:
    return abilities


@dataclass(frozen=True, slots=True)
class AdapterKind:
    """One kind of channel: its adapter, and the facts known before any call.

    Attributes:
        name: as stored with a channel.
        about: a line for people who choose a kind.
        open: makes the adapter of one account. Cheap.
        abilities: everything the vendor's API can do.
        of_model: narrows the abilities to those of the vendor's model with that name.
        settings: those of each account.
        request_map: what a route may say of its requests; None for nothing.
        announced_ends: by host and the vendor's model, the first day without it.
        published_costs: the vendor's published prices, by the name that an operator types for them;
            each a CSV for `channel cost import`, with its source and date.
    """

    name: str
    open: "Open"
    abilities: Abilities
    credential: CredentialForm
    about: str = ""
    of_model: Callable[[Abilities, str], Abilities] = _all_of_it
    settings: tuple[AccountSetting, ...] = ()
    request_map: RequestMap | None = None
    announced_ends: Mapping[str, Mapping[str, date]] = field(default_factory=dict)
    published_costs: Mapping[str, Path] = field(default_factory=dict)

    def checked_map(self, typed: Mapping[str, Any]) -> dict[str, Any]:
        """A route's map in stored form. Raises ValueError in words for a person."""
        if typed and self.request_map is None:
            raise ValueError(f"a channel of kind {self.name} has no field map")
        return self.request_map.checked(typed) if self.request_map and typed else {}

    def checked_settings(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """The settings of an account. Raises ValueError in words for a person."""
        known = {setting.name: setting for setting in self.settings}
        needed = {setting.name for setting in self.settings if setting.is_needed}
        if not needed <= given.keys() <= known.keys():
            wanted = ", ".join(known) or "no settings"
            raise ValueError(f"a channel of kind {self.name} has {wanted}")
        for name, word in given.items():
            if not known[name].pattern.fullmatch(word):
                raise ValueError(f"{word!r} is no {name}")
        return given
