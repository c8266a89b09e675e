"""All models: their contracts, the channels that serve them, missing prices, and buyers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from billing.price_rows import PriceKey
from billing.selectors import current_table
from billing.selectors.office.buyers import Buyer, model_buyers
from billing.selectors.office.sold import Margin, total_of
from generation.catalogue.contracts import ContractTerms, RouteInfo
from generation.catalogue.plans import plan
from generation.catalogue.selection import shares
from generation.catalogue.snapshot import current_catalogue
from generation.catalogue.traffic import Mode
from generation.catalogue.traffic.minutes import last_calls
from generation.models import Contract, Route

LOOK_BACK_DAYS = 30
"""The period looked back at, in UTC days, today included."""

HOUR_MINUTES = 60
"""An hour, in minutes."""


class Life(StrEnum):
    """The stages in a model's life."""

    OFFERED = "on offer"
    ENDING = "ending"
    ENDED = "ended"
    OFF = "off"


ASKED_FOR = frozenset({Life.OFFERED, Life.ENDING})


@dataclass(frozen=True, slots=True)
class ServingChannel:
    """A channel that serves a model; `share` is for the default size, from 0 to 1."""

    channel_id: int
    channel: str
    share: float
    is_sandbox: bool


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model with its facts. Sales cover 30 UTC days in one mode.

    Attributes:
        terms: its contract.
        position: in lists that customers see.
        life: its stage.
        serving: the channels that receive its requests, the largest share first.
        routes: of channels that are not archived, in the order in which channels are tried.
        unpriced: cells without a price in the standard prices in force.
        unmade: sizes that no channel would make; empty if no channel serves it.
        buyers: each tenant that bought it.
        called_at: the minute of the last live call, within 48 hours.
    """

    terms: ContractTerms
    position: int
    life: Life
    serving: Sequence[ServingChannel]
    routes: Sequence[Route]
    unpriced: Sequence[PriceKey]
    unmade: Sequence[str]
    buyers: Sequence[Buyer]
    called_at: datetime | None

    @property
    def untested(self) -> list[str]:
        """Names of channels with a route that waits for a test."""
        return [route.channel.name for route in self.routes if not route.is_approved]

    @property
    def cells(self) -> int:
        """The number of cells that need a price."""
        return len(self.terms.price_keys)

    @property
    def priced(self) -> int:
        """The number of cells with a price."""
        return self.cells - len(self.unpriced)

    @property
    def sold(self) -> Margin:
        """The sales to all buyers."""
        return total_of([buyer.figures for buyer in self.buyers])

    @property
    def users(self) -> int:
        """The number of tenants that received images."""
        return sum(
            buyer.tenant_id is not None and buyer.figures.images > 0 for buyer in self.buyers
        )

    @property
    def last_day(self) -> date | None:
        """The last UTC day on which a buyer received an image."""
        return max((buyer.last for buyer in self.buyers if buyer.last), default=None)

    @property
    def used_at(self) -> datetime | None:
        """The time of the last use, to the minute if known, else to the day."""
        day = self.last_day
        known = None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC)
        return self.called_at or known

    def used(self, now: datetime) -> str:
        """Usage as '14 tenants, 3,120 images in 30 days, last 4 min ago'; empty if unused."""
        if not self.users:
            return ""
        images = self.sold.images
        words = f"{self.users:,} tenant{'' if self.users == 1 else 's'}, "
        words += f"{images:,} image{'' if images == 1 else 's'} in {LOOK_BACK_DAYS} days"
        if self.called_at is not None:
            minutes = max(0, int((now - self.called_at).total_seconds() // 60))
            ago = f"{minutes} min" if minutes < HOUR_MINUTES else f"{minutes // HOUR_MINUTES} h"
            return f"{words}, last {ago} ago"
        return f"{words}, last on {self.last_day:%-d %b}"

    @property
    def loses(self) -> bool:
        """True if the model earned less than it cost."""
        return self.sold.margin < 0

    @property
    def lacks(self) -> list[str]:
        """Reasons why it cannot be requested, or could not if it were switched on."""
        known = (
            (not self.serving, "no channel serves it"),
            (bool(self.unpriced), f"{len(self.unpriced)} of {self.cells} cells have no price"),
        )
        return [words for is_so, words in known if is_so]

    @property
    def troubles(self) -> list[str]:
        """Problems, the worst first; empty for a model that is off or has ended."""
        if self.life not in ASKED_FOR:
            return []
        known = (
            (bool(self.unmade), f"no channel makes {_few(self.unmade)}"),
            (self.loses, "it loses money"),
        )
        return [*self.lacks, *(words for is_so, words in known if is_so)]


def listed_models(*, mode: Mode, now: datetime, model: str = "") -> list[ListedModel]:
    """Every model, or one: those with problems first, then in the customers' order."""
    catalogue = current_catalogue()
    positions = Contract.objects.values_list("model", "position")
    positions = positions.filter(model=model) if model else positions
    table = current_table(None, now)
    buyers = _buyers(mode, now, model)
    stored = _routes(model)
    called = last_calls() if mode == "live" else {}
    rows = []
    for name, position in positions:
        terms = catalogue.contracts[name]
        routes = catalogue.routes_for(name, livemode=mode != "test")
        rows.append(
            ListedModel(
                terms=terms,
                position=position,
                life=life_of(terms, now),
                serving=serving_of(routes, terms),
                routes=stored.get(name, ()),
                unpriced=[key for key in terms.price_keys if table.row_of(key) is None],
                unmade=unmade_of(routes, terms),
                buyers=buyers.get(name, ()),
                called_at=called.get(name),
            )
        )
    return sorted(rows, key=_worst_first)


def life_of(terms: ContractTerms, now: datetime) -> Life:
    """The model's stage. One that has ended counts as ended even if switched off."""
    if terms.has_ended(now):
        return Life.ENDED
    if not terms.is_enabled:
        return Life.OFF
    return Life.OFFERED if terms.sunset_at is None else Life.ENDING


def serving_of(routes: Sequence[RouteInfo], terms: ContractTerms) -> list[ServingChannel]:
    """Each of these channels with its share, the largest first."""
    serving_shares = shares(routes, contract=terms, size=terms.default_size)
    fractions = {share.candidate.route.channel_id: share.fraction for share in serving_shares}
    served = [
        ServingChannel(
            route.channel_id,
            route.channel_name,
            fractions.get(route.channel_id, 0.0),
            route.serves_test,
        )
        for route in routes
    ]
    return sorted(served, key=lambda serving: (-serving.share, serving.channel))


def unmade_of(routes: Sequence[RouteInfo], terms: ContractTerms) -> list[str]:
    """Sizes that none of these channels would make; empty if there is no channel."""
    return [
        size
        for size in terms.priced_sizes
        if routes and not any(plan(route, contract=terms, size=size) for route in routes)
    ]


def since_of(now: datetime) -> date:
    """The first of the days looked back at."""
    return now.astimezone(UTC).date() - timedelta(days=LOOK_BACK_DAYS - 1)


def _buyers(mode: Mode, now: datetime, model: str) -> Mapping[str, list[Buyer]]:
    """Buyers by model; empty for tests, which sell nothing."""
    buyers: dict[str, list[Buyer]] = defaultdict(list)
    if mode != "test":
        for buyer in model_buyers(since_of(now), is_demo=mode == "demo", model=model):
            buyers[buyer.model].append(buyer)
    return buyers


def _routes(model: str) -> Mapping[str, list[Route]]:
    rows = Route.objects.filter(channel__archived_at=None).select_related("channel")
    rows = rows.filter(contract_id=model) if model else rows
    by_model: dict[str, list[Route]] = defaultdict(list)
    for row in rows.order_by("channel__priority", "channel__name"):
        by_model[row.contract_id].append(row)
    return by_model


def _worst_first(row: ListedModel) -> tuple[bool, bool, int, str]:
    return not row.troubles, row.life not in ASKED_FOR, row.position, row.terms.model


def _few(words: Sequence[str], most: int = 3) -> str:
    more = len(words) - most
    return f"{', '.join(words[:most])}{f' and {more} more' if more > 0 else ''}"
