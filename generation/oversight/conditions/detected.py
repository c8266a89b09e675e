"""The input of every kind of condition, and its findings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from generation.catalogue.contracts import Catalogue, RouteInfo
from pictor.kit.words.money import Micros


class PresentCondition(NamedTuple):
    """A finding: one thing that is wrong now.

    Attributes:
        object: its subject, such as a channel; with the kind, its name from look to look.
        micros: its cost or the amount at stake; None if unknown.
        words: the observation, in a sentence without its full stop.
    """

    object: str
    micros: Micros | None
    words: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """The facts by which every kind is checked.

    Attributes:
        now: of this look.
        first_at: of the first look ever: nothing was expected before.
        catalogue: the offer.
        sandboxes: names of the channels that cost nothing, and never count.
        channels_before: by model, the number of its channels before it fell to one or none.
    """

    now: datetime
    first_at: datetime
    catalogue: Catalogue
    sandboxes: frozenset[str]
    channels_before: Mapping[str, int]

    def routes(self) -> Iterator[RouteInfo]:
        """The routes for live requests, without sandboxes."""
        for model in self.catalogue.routes:
            yield from self.routes_of(model)

    def routes_of(self, model: str) -> list[RouteInfo]:
        """The routes of one model for live requests, without sandboxes."""
        routes = self.catalogue.routes_for(model, livemode=True)
        return [route for route in routes if route.channel_name not in self.sandboxes]

    def is_of_sandbox(self, model: str) -> bool:
        """True if only sandboxes serve it."""
        return bool(self.catalogue.routes_for(model, livemode=True)) and not self.routes_of(model)
