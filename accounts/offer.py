"""The operator's offer, for keys and prices; `generation` plugs itself in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pictor.kit.running.plugs import Plug


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A public model name; sizes are 'WxH' or 'auto', qualities those that have a price.

    One that has ended is not enabled.
    """

    name: str
    is_enabled: bool
    sizes: tuple[str, ...]
    qualities: tuple[str, ...]


class Offer(Protocol):
    """The keeper of the contracts."""

    def models(self) -> Sequence[OfferedModel]:
        """Every contract, those that are switched off too."""


offer = Plug[Offer]("nobody says what is offered")
