"""The cost of each cell sold on a channel, from the request the channel would get for it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from math import inf, prod
from types import MappingProxyType
from typing import NamedTuple

from billing.pixel_prices import sides_of
from billing.price_rows import ANY, PriceKey
from billing.upstream_cost import (
    NOTHING_CAME,
    OUTPUT,
    TOKENS,
    UNITS,
    Cost,
    CostKey,
    Costs,
    CostSource,
    CostTable,
    SentRequest,
    UpstreamResult,
    upstream_cost,
)
from generation.catalogue.contracts import ContractTerms, RouteInfo, contract_from
from generation.catalogue.plans import plan
from generation.catalogue.snapshot import route_info
from generation.channels.size_rules import Size
from generation.models import Channel, Contract, Route
from generation.selectors import ImagesMade
from pictor.kit.words.money import scale_half_up

NOTHING_MADE: Mapping[CostKey, ImagesMade] = MappingProxyType({})


class ServedCell(NamedTuple):
    """A cell that a channel can serve, and the cost of one image there."""

    key: PriceKey
    cost: Cost


def cells(channel: Channel, tables: tuple[CostTable, ...], *, at: datetime) -> Iterator[ServedCell]:
    """Yield every cell of the channel's models, with its cost by these tables at that time."""
    routes = list(channel.routes.all())
    rows = Contract.objects.filter(model__in=[route.contract_id for route in routes]).values()
    contracts = [contract_from(row) for row in rows]
    yield from cells_of_routes(routes, contracts, tables, at=at, deliveries=NOTHING_MADE)


def cells_of_routes(
    routes: Iterable[Route],
    contracts: Iterable[ContractTerms],
    tables: tuple[CostTable, ...],
    *,
    at: datetime,
    deliveries: Mapping[CostKey, ImagesMade],
) -> Iterator[ServedCell]:
    """Like `cells`, for routes of one channel, in the order of these contracts.

    `deliveries` are its recent ones, by the vendor's model, requested size and quality; where
    tokens are charged, a cell costs their mean.
    """
    by_model = {route.contract_id: route for route in routes}
    for contract in contracts:
        route = by_model.get(contract.model)
        if route is None:
            continue
        info = route_info(route, tables=tables, api_key="")
        for key in _cells_of(contract):
            request = _sent_request(info, contract, key, at=at)
            if request is not None:
                lately = deliveries.get((request.model, request.size, request.quality))
                yield ServedCell(key, _image_cost(info.costs, request, lately))


def _cells_of(contract: ContractTerms) -> Iterator[PriceKey]:
    """Yield the cells that have a cost: for ANY, a megapixel and the largest size of the rule."""
    rule = contract.size_rule
    sizes = {rule.largest, *filter(rule.allows, [Size(1024, 1024)])} if rule else set()
    of_rule = sorted({str(size) for size in sizes} - contract.by_name.keys())
    for model, size, word in contract.price_keys:
        yield from ((model, one, word) for one in (of_rule if size == ANY else [size]))


def cost_of_cell(
    route: RouteInfo,
    contract: ContractTerms,
    key: PriceKey,
    *,
    at: datetime,
    came: UpstreamResult = NOTHING_CAME,
) -> Cost | None:
    """The cost of one image of the cell on that route; None if the route cannot serve it."""
    request = _sent_request(route, contract, key, at=at)
    return None if request is None else upstream_cost(route.costs, sent=request, came=came)


def cheapest_request(
    route: RouteInfo, contract: ContractTerms, *, at: datetime
) -> SentRequest | None:
    """The request of the cheapest cell that the route makes; None if it makes none of them.

    Of equal or unknown costs that of the fewest pixels counts, then of the lowest quality.
    """

    def worth(request: SentRequest) -> tuple[bool, int, float]:
        cost = upstream_cost(route.costs, sent=request)
        return not cost.is_known, cost.micros, prod(sides_of(request.size) or [inf])

    asked = (_sent_request(route, contract, key, at=at) for key in _cells_of(contract))
    return min(filter(None, asked), key=worth, default=None)


def is_by_tokens(route: RouteInfo, *, at: datetime) -> bool:
    """True if the upstream charges by tokens or by its own units at that time."""
    table, model = route.costs.table_at(at), route.upstream_model
    by_use = {(model, TOKENS, OUTPUT), (model, UNITS, ANY)}
    return table is not None and not by_use.isdisjoint(table.rows)


def _sent_request(
    route: RouteInfo, contract: ContractTerms, key: PriceKey, *, at: datetime
) -> SentRequest | None:
    _, size, quality = key
    candidate = plan(route, contract=contract, size=size, needs=route.abilities.simplest)
    if candidate is None:
        return None
    word = route.quality_for(quality)
    return SentRequest(route.upstream_model, candidate.upstream_size, word, n=1, at=at)


def _image_cost(costs: Costs, request: SentRequest, images: ImagesMade | None) -> Cost:
    if images is not None:
        cost = upstream_cost(costs, sent=request, came=UpstreamResult(tokens=images.tokens))
        if cost.source is CostSource.TOKENS:
            mean = scale_half_up(cost.micros, Decimal(1), images.images)
            return Cost(mean, CostSource.TOKENS)
    return upstream_cost(costs, sent=request)
