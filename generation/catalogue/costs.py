"""What the cells that we sell cost on a channel, by what it would be asked for each of them."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from billing.pricing import PriceKey
from billing.upstream_cost import Asked, Cost, CostTable, upstream_cost
from generation.catalogue.contracts import contract_from
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
            _, size, quality = key
            candidate = plan(info, contract=contract, size=size)
            if candidate is not None:
                word = info.quality_map.get(quality, quality)
                asked = Asked(info.upstream_model, candidate.upstream_size, word, n=1, at=at)
                yield Cell(key, upstream_cost(info.costs, asked=asked))
