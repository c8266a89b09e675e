"""The operator's offered models, for keys and prices; `generation` plugs itself in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pictor.kit.running.plugs import Plug


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """A public model name. Sizes are 'WxH', 'auto' or 'any'; qualities are those that have a price.

    `largest` is the largest size that 'any' stands for, empty without such sizes. A model that has
    ended is not enabled.
    """

    name: str
    is_enabled: bool
    sizes: tuple[str, ...]
    qualities: tuple[str, ...]
    largest: str = ""


class Offer(Protocol):
    """The keeper of the contracts."""

    def models(self) -> Sequence[OfferedModel]:
        """Every contract, including disabled ones."""


offer = Plug[Offer]("accounts.offer is not plugged in")
