"""Explain which channels would be asked for an image now, in which order, and why not others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from billing.pricing import PriceMissing, quote
from billing.selectors import current_table
from billing.upstream_cost import Cost, SentRequest, upstream_cost
from generation.catalogue.contracts import AUTO, ContractTerms, RouteInfo, contract_from
from generation.catalogue.plans import CLOSEST, plan
from generation.catalogue.selection import shares
from generation.catalogue.snapshot import route_info
from generation.channels.declaration import PLAIN, Needs, Task
from generation.models import Channel, Contract, Route, Serves
from generation.selectors import cost_tables, present_stops
from pictor.kit.words import clock


@dataclass(frozen=True, slots=True)
class Serving:
    """A channel that would be asked.

    Attributes:
        channel: its name.
        rank: from 1; channels of one rank share the requests, the next rank is asked if they fail.
        share: the fraction of requests sent to it first, from 0 to 1.
        plan: how it makes the size: native, closest, cropped or auto.
        asked: the request to the upstream, for one image.
        cost: the cost of that request.
    """

    channel: str
    rank: int
    share: float
    plan: str
    asked: SentRequest
    cost: Cost


@dataclass(frozen=True, slots=True)
class Explanation:
    """The routing of a live request.

    Attributes:
        model: as it is offered.
        size: 'WxH' or 'auto'.
        quality: the contract's word; empty if the request names none.
        task: the task that is requested.
        refused: reasons to refuse every such request; empty if it is accepted.
        serving: the channels that would be asked, in order.
        others: every other channel by its name, with all reasons for not asking it.
    """

    model: str
    size: str
    quality: str
    task: Task
    refused: list[str]
    serving: list[Serving]
    others: dict[str, list[str]]


def explain(model: str, *, size: str = "", quality: str = "", task: Task) -> Explanation:
    """Explain the routing by the rows stored now. An edit is taken to have one image.

    `size` may be a preset, or empty for the model's default. Raises ValueError, worded for a
    person, if the model, size or quality does not exist.
    """
    stored = Contract.objects.filter(model=model).values().first()
    if stored is None:
        raise ValueError(f"there is no model {model!r}")
    contract = contract_from(stored)
    size, quality = _size(contract, size), _quality(contract, quality)
    needs = PLAIN if task is Task.GENERATE else Needs(task, images=1)
    rows = list(Route.objects.filter(contract_id=model).select_related("channel"))
    routes = _infos(rows)
    untested = {row.channel_id for row in rows if not row.is_approved}
    open_routes, others = [], {}
    for channel in Channel.objects.order_by("priority", "name"):
        info = routes.get(channel.pk)
        reasons = list(_reasons(channel, info, contract, size, needs))
        if channel.pk in untested:
            reasons.append(f"has not been tested for {model} as it is now")
        if reasons or info is None:
            others[channel.name] = reasons
        else:
            open_routes.append(info)
    return Explanation(
        model,
        size,
        quality,
        task,
        list(_refusals(contract, size, quality, task)),
        list(_serving(open_routes, contract, size, quality, needs)),
        others,
    )


def _size(contract: ContractTerms, word: str) -> str:
    word = word or contract.default_size
    if word == AUTO and contract.accepts_auto:
        return AUTO
    if word not in contract.by_name:
        sizes = ", ".join(contract.size_names)
        raise ValueError(f"{contract.model} has no size {word!r}; available: {sizes}")
    return str(contract.by_name[word].size)


def _quality(contract: ContractTerms, word: str) -> str:
    quality = contract.quality(word) if word else ""
    if quality is None:
        there_are = ", ".join(contract.qualities)
        raise ValueError(f"{contract.model} has no quality {word!r}; available: {there_are}")
    return quality


def _infos(rows: Sequence[Route]) -> dict[int, RouteInfo]:
    tables = cost_tables({row.channel_id for row in rows}, since=clock.now())
    return {
        row.channel_id: route_info(row, tables=tables[row.channel_id], api_key="") for row in rows
    }


def _refusals(contract: ContractTerms, size: str, quality: str, task: Task) -> Iterator[str]:
    if not contract.is_enabled:
        yield f"{contract.model} is switched off"
    if contract.has_ended(clock.now()):
        yield f"{contract.model} ended at {contract.sunset_at:%Y-%m-%dT%H:%M:%SZ}"
    for stop in present_stops():
        if stop.tenant is None and stop.model in {"", contract.model}:
            yield f"{stop.name} is stopped since {stop.began_at:%-d %B, %H:%M} UTC by {stop.by}"
    if task not in contract.tasks:
        yield f"{contract.model} does not offer {task}"
    prices, word = current_table(None, clock.now()), quality or contract.quality_default
    try:
        sold = contract.qualities
        quote(prices, model=contract.model, size=size, quality=word, n=1, sold=sold)
    except PriceMissing as error:
        yield str(error)


def _reasons(
    channel: Channel, info: RouteInfo | None, contract: ContractTerms, size: str, needs: Needs
) -> Iterator[str]:
    """Yield every reason for not asking the channel."""
    if not channel.is_enabled:
        yield "disabled"
    if channel.serves == Serves.TEST:
        yield "serves only test keys"
    if info is None:
        yield f"has no route for {contract.model}"
        return
    lack = info.abilities.lack(needs)
    if lack is not None:
        yield f"is no channel that {lack.what}"
    elif plan(info, contract=contract, size=size, needs=needs) is None:
        yield _why_not(size, contract)


def _why_not(size: str, contract: ContractTerms) -> str:
    if size == AUTO:
        return "does not take auto as a size"
    if contract.is_exact:
        return f"does not make {size} itself, and the sizes of {contract.model} are exact"
    return "has no size that can replace it"


def _serving(
    routes: list[RouteInfo], contract: ContractTerms, size: str, quality: str, needs: Needs
) -> Iterator[Serving]:
    ranks: dict[tuple[int, bool], int] = {}
    for candidate, share in shares(routes, contract=contract, size=size, needs=needs):
        route = candidate.route
        rank = ranks.setdefault((route.priority, candidate.plan == CLOSEST), len(ranks) + 1)
        request = SentRequest(
            model=route.upstream_model,
            size=candidate.upstream_size,
            quality=route.quality_for(quality),
            n=1,
            at=clock.now(),
        )
        cost = upstream_cost(route.costs, sent=request)
        yield Serving(route.channel_name, rank, share, candidate.plan, request, cost)
