"""Effects of a catalogue change on traffic: each model's split by channel, before and after.

The splits are of live requests without special needs while every channel is healthy. Beside each
stands our cost per day either way, for the sales of the last 7 days.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from typing_extensions import override

from billing.price_rows import PriceKey
from billing.selectors.office.sold import cells_sold
from billing.upstream_cost import CostTable
from generation.catalogue import services
from generation.catalogue.contracts import Catalogue, ContractTerms, RouteInfo
from generation.catalogue.costs import cost_of_cell, is_by_tokens
from generation.catalogue.selection import shares
from generation.catalogue.snapshot import route_info, stored_catalogue
from generation.models import Channel
from pictor.kit.words import clock
from pictor.kit.words.money import Micros, scale_half_up, to_decimal

MAX_SIZES = 3
"""The most sizes to name; of the others only the number is given."""
LOOK_BACK_DAYS = 7
"""The period looked back at, in UTC days, today included."""
_TEN_CENTS = 100_000
_A_CENT = 10_000

Shares = Mapping[str, float]
"""Fractions by channel, from 0 to 1."""


class RecentSales(NamedTuple):
    """Recent sales.

    Attributes:
        days: the length of the period; its last day is not over.
        images: number sold by price row.
        means: mean cost of an image by price row and channel, where known.
    """

    days: float
    images: Mapping[PriceKey, int]
    means: Mapping[tuple[PriceKey, str], Micros]


class Daily(NamedTuple):
    """Our cost for a day's images where known, and the number of images without a known cost."""

    known: Micros
    unknown: float

    @override
    def __str__(self) -> str:
        """Text such as '$41.20', '$41.20 and 12 images of unknown cost' or 'unknown'."""
        if not self.unknown:
            return _dollars(self.known)
        if not self.known:
            return "unknown"
        return f"{_dollars(self.known)} and {self.unknown:.3g} images of unknown cost"


class Split(NamedTuple):
    """A model's requests by channel, before a change and after it.

    Attributes:
        model: the public name.
        sizes: the sizes it applies to; empty for every size.
        before: fractions of requests that each channel is asked first for, before the change.
        after: the same after it.
        images: sold of the model per day.
        cost_before: cost of a day's images with the split before.
        cost_after: the same with the split after.
    """

    model: str
    sizes: tuple[str, ...]
    before: Shares
    after: Shares
    images: float
    cost_before: Daily
    cost_after: Daily

    @override
    def __str__(self) -> str:
        """Text like 'gpt-image-2: a 100 % -> 0 %, b 0 % -> 100 %; cost a day $0.00 -> $41.20'."""
        parts = [f"{name} {_percent(was)} -> {_percent(will)}" for name, was, will in self.channels]
        money = f"; cost a day {self.cost_before} -> {self.cost_after}" if self.images else ""
        return f"{self.model}{self.of_sizes}: {', '.join(parts)}{money}"

    @property
    def channels(self) -> list[tuple[str, float, float]]:
        """Each channel with its fraction before and after."""
        names = dict.fromkeys((*self.before, *self.after))
        return [(name, self.before.get(name, 0.0), self.after.get(name, 0.0)) for name in names]

    @property
    def of_sizes(self) -> str:
        """Text such as ' (1024x1024 and 6 more)'; empty for every size."""
        if not self.sizes:
            return ""
        more = len(self.sizes) - MAX_SIZES
        return f" ({', '.join(self.sizes[:MAX_SIZES])}{f' and {more} more' if more > 0 else ''})"


def expected_splits(change: Callable[[], object]) -> list[Split]:
    """The splits that `change` would cause: make the change, compare, and roll it back.

    Raises the errors of `change`.
    """
    with transaction.atomic():
        before = stored_catalogue()
        change()
        after = stored_catalogue()
        transaction.set_rollback(True)
    return splits(before, after, sold=recent_sales(clock.now()))


def foreseen(change: Callable[..., object]) -> tuple[list[Split], str]:
    """As `expected_splits`; if a model would lose its last channel, also the refusal of that."""
    try:
        return expected_splits(change), ""
    except ValidationError as error:
        if getattr(error, "code", None) != services.STOPS:
            raise
        return expected_splits(partial(change, may_stop=True)), " ".join(error.messages)


def serving_instead(
    before: Catalogue, channel: Channel, routes: services.Routes, *, tables: tuple[CostTable, ...]
) -> Catalogue:
    """The catalogue as if the channel served exactly these routes; nothing is stored.

    It shows the effect of enabling the channel, of a swap or of another weight.
    """
    joining = {
        model: route_info(services.unsaved_route(channel, terms), tables=tables, api_key="")
        for model, terms in routes.items()
    }
    after = {}
    for model in before.contracts:
        serving = [
            route for route in before.routes.get(model, ()) if route.channel_id != channel.pk
        ]
        serving += [joining[model]] if model in joining else []
        after[model] = tuple(
            sorted(serving, key=lambda channel: (channel.priority, channel.channel_name))
        )
    return replace(before, routes=after)


def left_unserved(before: Catalogue, after: Catalogue) -> list[str]:
    """Models on offer that would lose their last live channel, in the order of the contracts."""
    return [
        contract.model
        for contract in after.on_offer(clock.now())
        if before.routes_for(contract.model, livemode=True)
        and not after.routes_for(contract.model, livemode=True)
    ]


def recent_sales(now: datetime) -> RecentSales:
    """Sales of the last 7 UTC days, without demo data."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=LOOK_BACK_DAYS - 1)
    images: Counter[PriceKey] = Counter()
    known: Counter[tuple[PriceKey, str]] = Counter()
    cost: Counter[tuple[PriceKey, str]] = Counter()
    for row in cells_sold(since.date(), apart=()):
        key = (row.model, row.asked, row.quality)
        images[key] += row.images
        known[key, row.channel] += row.images - row.unknown_images
        cost[key, row.channel] += row.cost
    means = {pair: Micros(cost[pair] // number) for pair, number in known.items() if number > 0}
    return RecentSales((now - since) / timedelta(days=1), images, means)


def splits(before: Catalogue, after: Catalogue, *, sold: RecentSales) -> list[Split]:
    """Splits that differ, in the order of the contracts; sizes with equal splits are merged."""
    return [split for contract in after.offered for split in _splits(contract, before, after, sold)]


def _splits(
    contract: ContractTerms, before: Catalogue, after: Catalogue, sold: RecentSales
) -> Iterator[Split]:
    pairs = {
        size: (_shares(before, contract, size), _shares(after, contract, size))
        for size in contract.priced_sizes
    }
    routes = [_routes_by_name(catalogue, contract) for catalogue in (before, after)]
    while pairs:
        was, will = next(iter(pairs.values()))
        alike = tuple(size for size, pair in pairs.items() if pair == (was, will))
        day = {
            key: sold.images.get(key, 0) / sold.days
            for key in contract.price_keys
            if key[1] in alike
        }
        costs = [
            _daily(contract, day, split, of, known=routes[0], sold=sold)
            for split, of in zip((was, will), routes, strict=True)
        ]
        if was != will or costs[0] != costs[1]:
            named = () if len(alike) == len(contract.priced_sizes) else alike
            yield Split(contract.model, named, was, will, sum(day.values()), *costs)
        pairs = {size: pair for size, pair in pairs.items() if size not in alike}


def _routes_by_name(catalogue: Catalogue, contract: ContractTerms) -> Mapping[str, RouteInfo]:
    routes = catalogue.routes_for(contract.model, livemode=True)
    return {route.channel_name: route for route in routes}


def _shares(catalogue: Catalogue, contract: ContractTerms, size: str) -> Shares:
    routes = catalogue.routes_for(contract.model, livemode=True)
    size_shares = shares(routes, contract=contract, size=size)
    return {
        share.candidate.route.channel_name: share.fraction
        for share in size_shares
        if share.fraction
    }


def _daily(
    contract: ContractTerms,
    day: Mapping[PriceKey, float],
    split: Shares,
    routes: Mapping[str, RouteInfo],
    *,
    known: Mapping[str, RouteInfo],
    sold: RecentSales,
) -> Daily:
    """The cost of these images with this split; `known` are the routes that made the sold ones."""
    micros = unknown = 0.0
    for key, images in day.items():
        for name, fraction in split.items():
            mean = sold.means.get((key, name)) if _is_as(routes[name], known.get(name)) else None
            unit = _unit_cost(routes[name], contract, key, mean=mean)
            if unit is None:
                unknown += images * fraction
            else:
                micros += images * fraction * unit
    return Daily(Micros(round(micros)), unknown)


def _unit_cost(
    route: RouteInfo, contract: ContractTerms, key: PriceKey, *, mean: Micros | None
) -> Micros | None:
    """The cost of one image: 0 at a sandbox; the mean if charged by tokens or otherwise unknown."""
    if route.serves_test:
        return Micros(0)
    now = clock.now()
    cost = cost_of_cell(route, contract, key, at=now)
    is_known = cost is not None and cost.is_known
    if mean is not None and (is_by_tokens(route, at=now) or not is_known):
        return mean
    return cost.micros if cost is not None and is_known else None


def _is_as(route: RouteInfo, known: RouteInfo | None) -> bool:
    """True if the route asks the vendor for the same as before."""
    return known is not None and (
        (route.upstream_model, route.quality_map, route.field_map, route.abilities.sizes)
        == (known.upstream_model, known.quality_map, known.field_map, known.abilities.sizes)
    )


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"


def _dollars(micros: int) -> str:
    """Text such as '$41.20', or '$0.0019' for amounts under ten cents."""
    if 0 < micros < _TEN_CENTS:
        return f"${to_decimal(micros).rstrip('0')}"
    whole, cents = divmod(scale_half_up(micros, 1, _A_CENT), 100)
    return f"${whole:,}.{cents:02d}"
