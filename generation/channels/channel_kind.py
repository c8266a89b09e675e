"""A kind of channel: what it can do, and how its adapter is opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from generation.channels.declaration import Abilities, CredentialForm

if TYPE_CHECKING:  # operators' commands read declarations, and need no HTTP client
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.bytes.spool import Spools
    from pictor.kit.outbound.http import HttpPool


def _all_of_it(abilities: Abilities, upstream_model: str) -> Abilities:
    return abilities


@dataclass(frozen=True, slots=True)
class AdapterKind:
    """One kind of channel: its adapter, and what is known of it before any call.

    Attributes:
        name: as it is stored with a channel.
        open: makes the adapter of one account. Cheap.
        abilities: all that the vendor's API can do.
        of_model: what of that a model of the vendor's can do, by its name there.
        announced_ends: by host and model there, the first day without it.
    """

    name: str
    open: "Callable[[ChannelConfig, HttpPool, Spools], Adapter]"
    abilities: Abilities
    credential: CredentialForm
    of_model: Callable[[Abilities, str], Abilities] = _all_of_it
    announced_ends: Mapping[str, Mapping[str, date]] = field(default_factory=dict)
