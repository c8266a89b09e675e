"""What decisions on prices need to know of serving; `generation` plugs itself in."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pictor.kit.running.plugs import Plug

if TYPE_CHECKING:  # apps plug in without the rules of stops
    from billing.price_stops import CellCost


class Supply(Protocol):
    """The owner of the channels."""

    def served(
        self, moments: Collection[datetime], *, also_off: bool = False
    ) -> Mapping[datetime, Sequence["CellCost"]]:
        """Return every offered cell at each enabled channel for live requests, at these moments.

        Those of models that are off, too, if `also_off`. If a channel charges tokens, the cost is
        the mean of its recent images of that cell.
        """

    def processes_of_release_before(self) -> Sequence[str]:
        """Name the live processes of the release before; they run beside ours during an upgrade."""


supply = Plug[Supply]("billing.supply is not plugged in")


def waits_for_upgrade() -> str:
    """Why what the release before would charge wrongly cannot be used yet; empty if it can."""
    if not (alive := supply().processes_of_release_before()):
        return ""
    return (
        "must wait: a process of the release before, which does not know its form, is alive"
        f" ({', '.join(alive)}). Try again once it has ended"
    )
