"""What serving costs, as prices need to know it; `generation` plugs itself in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from billing.price_stops import Served
from pictor.kit.running.plugs import Plug


class Supply(Protocol):
    """Whoever keeps the channels."""

    def served(self, at: datetime) -> Sequence[Served]:
        """Every cell that is offered, at each enabled channel for live requests, at that moment.

        Where a channel charges tokens, the cost is the mean of what it made of that cell lately.
        """


supply = Plug[Supply]("nobody says what serving costs")
