"""The routes of a channel: the vendor's models, their costs and their tests."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from generation.catalogue.costs import ServedCell, cells
from generation.catalogue.selection import shares
from generation.catalogue.snapshot import current_catalogue
from generation.channels.registry import told_map
from generation.channels.retirements import end_of
from generation.models import Channel, ChannelTrial, Route
from generation.selectors import cost_tables, last_trials


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route; amounts are micros.

    Attributes:
        route: the route.
        percent: share of requests for the model's usual size that go to the channel first.
        least: cost of the cheapest cell of known cost; None if no cost is known.
        most: cost of the dearest such cell.
        unknown: number of cells of unknown cost.
        cells: number of all cells.
        trial: the last test.
    """

    route: Route
    percent: float
    least: int | None
    most: int | None
    unknown: int
    cells: int
    trial: ChannelTrial | None

    @property
    def ends_on(self) -> date | None:
        """The first day without the model at the vendor; None if no end is known."""
        route = self.route
        return end_of(
            base_url=route.channel.base_url,
            upstream_model=route.upstream_model,
            entered=route.retires_on,
        )

    @property
    def told(self) -> Sequence[str]:
        """Its field map, in lines."""
        return told_map(self.route.channel.kind, self.route.field_map)

    @property
    def words(self) -> list[tuple[str, str]]:
        """Our quality words with the vendor's, where they differ."""
        return list(self.route.quality_map.items())


def routes_shown(channel: Channel, *, at: datetime) -> list[RouteRow]:
    trials = {row.model: row for row in last_trials(channel)}
    tables = cost_tables([channel.pk], since=at)[channel.pk]
    costs: dict[str, list[ServedCell]] = defaultdict(list)
    for cell in cells(channel, tables, at=at):
        costs[cell.key[0]].append(cell)
    firsts = _first_shares(channel)
    shown = []
    for route in channel.routes.all():
        its = costs[route.contract_id]
        known = [cell.cost.micros for cell in its if cell.cost.is_known]
        shown.append(
            RouteRow(
                route=route,
                percent=100 * firsts.get(route.contract_id, 0.0),
                least=min(known, default=None),
                most=max(known, default=None),
                unknown=len(its) - len(known),
                cells=len(its),
                trial=trials.get(route.contract_id),
            )
        )
    return shown


def _first_shares(channel: Channel) -> dict[str, float]:
    """Return by model the share of live requests of its usual size that go to the channel first."""
    catalogue, first_shares = current_catalogue(), {}
    for contract in catalogue.offered:
        routes = catalogue.routes_for(contract.model, livemode=True)
        for share in shares(routes, contract=contract, size=contract.default_size):
            if share.candidate.route.channel_id == channel.pk:
                first_shares[contract.model] = share.fraction
    return first_shares
