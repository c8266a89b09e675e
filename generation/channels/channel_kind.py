"""A kind of channel: its abilities, and its adapter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from generation.channels.declaration import Abilities, CredentialForm

if TYPE_CHECKING:  # operators' commands read declarations and need no HTTP client
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.bytes.spool import Spools
    from pictor.kit.outbound.http import HttpPool


def _all_of_it(abilities: Abilities, upstream_model: str) -> Abilities:
    return abilities


@dataclass(frozen=True, slots=True)
class AdapterKind:
    """One kind of channel: its adapter, and the facts known before any call.

    Attributes:
        name: as stored with a channel.
        open: makes the adapter of one account. Cheap.
        abilities: everything the vendor's API can do.
        of_model: narrows the abilities to those of the vendor's model with that name.
        announced_ends: by host and the vendor's model, the first day without it.
        published_costs: the vendor's published prices, by the name that an operator types for them;
            each a CSV for `channel cost import`, with its source and date.
    """

    name: str
    open: "Callable[[ChannelConfig, HttpPool, Spools], Adapter]"
    abilities: Abilities
    credential: CredentialForm
    of_model: Callable[[Abilities, str], Abilities] = _all_of_it
    announced_ends: Mapping[str, Mapping[str, date]] = field(default_factory=dict)
    published_costs: Mapping[str, Path] = field(default_factory=dict)
