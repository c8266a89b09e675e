"""What a kind of condition is given, and what it returns of what is wrong now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from generation.catalogue.contracts import Catalogue
from pictor.kit.money import Micros


class Wrong(NamedTuple):
    """One thing that is wrong now.

    Attributes:
        object: what it is true of; with the kind, its name from look to look.
        micros: what it costs or puts at stake, None where nobody can say.
        words: what was seen, in a sentence without its end.
    """

    object: str
    micros: Micros | None
    words: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What every kind is measured by.

    Attributes:
        now: of this look.
        first_at: of the first look ever: nothing was awaited before.
        catalogue: the offer.
        sandboxes: names of the channels that cost nothing, and never count.
        channels_before: by model, how many channels served it before it had one or none.
    """

    now: datetime
    first_at: datetime
    catalogue: Catalogue
    sandboxes: frozenset[str]
    channels_before: Mapping[str, int]

    def channels_of(self, model: str) -> int:
        """How many channels could be sent a live request of it, sandboxes apart."""
        routes = self.catalogue.routes_for(model, livemode=True)
        return sum(route.channel_name not in self.sandboxes for route in routes)

    def is_of_sandbox(self, model: str) -> bool:
        """Whether only sandboxes serve it."""
        routes = self.catalogue.routes_for(model, livemode=True)
        return bool(routes) and not self.channels_of(model)
