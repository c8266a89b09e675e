"""What a kind of condition is given, and what it returns of what is wrong now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from generation.catalogue.contracts import Catalogue, RouteInfo
from pictor.kit.words.money import Micros


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

    def routes(self) -> Iterator[RouteInfo]:
        """Where live requests can be sent now, sandboxes apart."""
        for model in self.catalogue.routes:
            yield from self.routes_of(model)

    def routes_of(self, model: str) -> list[RouteInfo]:
        """The same of one model."""
        routes = self.catalogue.routes_for(model, livemode=True)
        return [route for route in routes if route.channel_name not in self.sandboxes]

    def is_of_sandbox(self, model: str) -> bool:
        """Whether only sandboxes serve it."""
        return bool(self.catalogue.routes_for(model, livemode=True)) and not self.routes_of(model)
