"""What the cells that we sell cost on a channel, by what it would be asked for each of them."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from billing.pricing import PriceKey
from billing.upstream_cost import (
    NOTHING_CAME,
    OUTPUT,
    TOKENS,
    Asked,
    Came,
    Cost,
    CostTable,
    upstream_cost,
)
from generation.catalogue.contracts import ContractTerms, RouteInfo, contract_from
from generation.catalogue.plans import plan
from generation.catalogue.snapshot import route_info
from generation.models import Channel, Contract


class Cell(NamedTuple):
    """One that a channel can serve, and what one image of it costs there."""

    key: PriceKey
    cost: Cost


def cells(channel: Channel, tables: tuple[CostTable, ...], *, at: datetime) -> Iterator[Cell]:
    """Every cell of the models that the channel serves, with what it costs by these tables then."""
    routes = {route.contract_id: route for route in channel.routes.select_related("channel")}
    for row in Contract.objects.filter(model__in=routes).values():
        contract, route = contract_from(row), routes[row["model"]]
        info = route_info(route, tables=tables, api_key="")
        for key in contract.price_keys:
            cost = cost_of_cell(info, contract, key, at=at)
            if cost is not None:
                yield Cell(key, cost)


def cost_of_cell(
    route: RouteInfo,
    contract: ContractTerms,
    key: PriceKey,
    *,
    at: datetime,
    came: Came = NOTHING_CAME,
) -> Cost | None:
    """What one image of a cell costs there at that moment; None where it cannot be asked for."""
    _, size, quality = key
    candidate = plan(route, contract=contract, size=size)
    if candidate is None:
        return None
    word = route.quality_map.get(quality, quality)
    asked = Asked(route.upstream_model, candidate.upstream_size, word, n=1, at=at)
    return upstream_cost(route.costs, asked=asked, came=came)


def is_by_tokens(route: RouteInfo, *, at: datetime) -> bool:
    """Whether what it costs at that moment is for the upstream to count."""
    table = route.costs.table_at(at)
    return table is not None and (route.upstream_model, TOKENS, OUTPUT) in table.rows
