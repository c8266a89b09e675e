"""Explain which channels would be asked for an image now, in which order, and why not others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from billing.pricing import PriceMissing, quote
from billing.selectors import current_table
from billing.upstream_cost import Cost, SentRequest, upstream_cost
from generation.admission.fields import PASSED_ON
from generation.catalogue.contracts import AUTO, ContractTerms, RouteInfo
from generation.catalogue.plans import plan, sizes_in_words
from generation.catalogue.selection import rank, shares
from generation.catalogue.snapshot import route_info
from generation.catalogue.traffic.open_breakers import open_now
from generation.channels.declaration import OVERLAYS, PLAIN, Needs, Task
from generation.channels.registry import told_map
from generation.models import Channel, Route, Serves
from generation.selectors import cost_tables, present_stops
from pictor.kit.words import clock, typed

MAY_BE_IGNORED = (*PASSED_ON, "output_compression", "partial_images")
"""The fields that every model has and a channel may not honour."""


@dataclass(frozen=True, slots=True)
class AskedRequest:
    """A live request: of reference images their number, and of further fields their names.

    `size` may be a preset, or empty for the model's default; `quality` is empty if none is sent.
    """

    model: str
    size: str = ""
    quality: str = ""
    task: Task = Task.GENERATE
    n: int = 1
    references: int = 0
    fields: tuple[str, ...] = ()

    @classmethod
    def typed(cls, words: Mapping[str, Any]) -> "AskedRequest":
        """The request as a person typed it, its fields between commas. Raises ValueError."""
        return cls(
            words["model"],
            size=words["size"],
            quality=words["quality"],
            task=Task(words["task"]),
            n=typed.number(words["n"] or "1", least=1),
            references=typed.number(words["references"] or "0"),
            fields=tuple(filter(None, map(str.strip, (words["fields"] or "").split(",")))),
        )

    @property
    def needs(self) -> Needs:
        """The abilities it needs of a channel; an edit begins with one image at least."""
        if self.task is Task.GENERATE:
            return PLAIN
        overlay = next((word for word in OVERLAYS if word in self.fields), "")
        return Needs(self.task, max(self.references, 1), overlay)

    @property
    def sent(self) -> set[str]:
        """Its fields that a channel may ignore."""
        has_images = self.references or self.task is not Task.GENERATE
        given = {"quality": self.quality, "image": has_images}
        return {*self.fields, *(name for name, value in given.items() if value)}


@dataclass(frozen=True, slots=True)
class Serving:
    """A channel that would be asked.

    Attributes:
        channel: its name.
        rank: from 1; channels of one rank share the requests, the next rank is asked if they fail.
        share: the fraction of requests sent to it first, from 0 to 1.
        plan: how it makes the size: native, closest, cropped or auto.
        asked: the request to the upstream.
        orders: its number of orders; each has as many images as the channel makes in one.
        cost: the cost of that request.
        ignored: the fields that it would not honour.
        told: its route's field map, in lines.
    """

    channel: str
    rank: int
    share: float
    plan: str
    asked: SentRequest
    orders: int
    cost: Cost
    ignored: tuple[str, ...]
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The routing of a live request.

    Attributes:
        asked: the request, in the contract's words.
        refused: reasons to refuse every such request; empty if it is accepted.
        serving: the channels that would be asked, in order.
        others: every other channel by its name, with all reasons for not asking it.
        breakers: those open for this model or for all, by channel, and the seconds until the next
            call that may probe it; image workers share them.
    """

    asked: AskedRequest
    refused: list[str]
    serving: list[Serving]
    others: dict[str, list[str]]
    breakers: dict[str, float]


def explain(asked: AskedRequest, contracts: Mapping[str, ContractTerms]) -> Explanation:
    """Explain the routing by the present contracts, and the other rows stored now.

    Raises ValueError, worded for a person, if the model, size, quality or a field does not exist.
    """
    model = asked.model
    contract = contracts.get(model)
    if contract is None:
        raise ValueError(f"there is no model {model!r}")
    size, quality = _size(contract, asked.size), _quality(contract, asked.quality)
    asked = replace(asked, size=size, quality=quality, fields=_fields(contract, asked.fields))
    rows = list(Route.objects.filter(contract_id=model).select_related("channel"))
    routes = _infos(rows)
    untested = {row.channel_id for row in rows if not row.is_approved}
    open_routes, others = [], {}
    for channel in Channel.objects.order_by("priority", "name"):
        info = routes.get(channel.pk)
        reasons = list(_reasons(channel, info, contract, asked))
        if channel.pk in untested:
            reasons.append(f"has not been tested for {model} as it is now")
        if reasons or info is None:
            others[channel.name] = reasons
        else:
            open_routes.append(info)
    return Explanation(
        asked,
        list(_refusals(contract, asked)),
        list(_serving(open_routes, contract, asked)),
        others,
        _breakers(model),
    )


def _breakers(model: str) -> dict[str, float]:
    """A channel with two is probed when both are due."""
    waits: dict[str, float] = {}
    for one in open_now():
        if one.key.model in {"", model}:
            waits[one.channel] = max(waits.get(one.channel, 0.0), one.seconds)
    return waits


def _size(contract: ContractTerms, word: str) -> str:
    word = word or contract.default_size
    if word == AUTO and contract.accepts_auto:
        return AUTO
    option = contract.option(word)
    if option is None:
        sizes = sizes_in_words(contract)
        raise ValueError(f"{contract.model} has no size {word!r}; available: {sizes}")
    return str(option.size)


def _quality(contract: ContractTerms, word: str) -> str:
    quality = contract.quality(word) if word else ""
    if quality is None:
        there_are = ", ".join(contract.qualities)
        raise ValueError(f"{contract.model} has no quality {word!r}; available: {there_are}")
    return quality


def _fields(contract: ContractTerms, names: Collection[str]) -> tuple[str, ...]:
    known = {*MAY_BE_IGNORED, *(one.name for one in contract.own_fields)}
    for name in names:
        if name not in known:
            there_are = ", ".join(sorted(known))
            raise ValueError(f"{contract.model} has no such field {name!r}; available: {there_are}")
    return tuple(sorted(set(names)))


def _infos(rows: Sequence[Route]) -> dict[int, RouteInfo]:
    tables = cost_tables({row.channel_id for row in rows}, since=clock.now())
    return {
        row.channel_id: route_info(row, tables=tables[row.channel_id], api_key="") for row in rows
    }


def _refusals(contract: ContractTerms, asked: AskedRequest) -> Iterator[str]:
    if not contract.is_enabled:
        yield f"{contract.model} is switched off"
    if contract.has_ended(clock.now()):
        yield f"{contract.model} ended at {contract.sunset_at:%Y-%m-%dT%H:%M:%SZ}"
    for stop in present_stops():
        if stop.tenant is None and stop.model in {"", contract.model}:
            yield f"{stop.name} is stopped since {stop.began_at:%-d %B, %H:%M} UTC by {stop.by}"
    yield from _beyond(contract, asked)
    prices, word = current_table(None, clock.now()), asked.quality or contract.quality_default
    try:
        sold = contract.qualities
        quote(prices, model=contract.model, size=asked.size, quality=word, n=asked.n, sold=sold)
    except PriceMissing as error:
        yield str(error)


def _beyond(contract: ContractTerms, asked: AskedRequest) -> Iterator[str]:
    if asked.task not in contract.tasks:
        yield f"{contract.model} does not offer {asked.task}"
    if asked.n > contract.max_n:
        yield f"{contract.model} makes at most {contract.max_n} images"
    most = contract.most_references
    if most is not None and asked.references > most:
        yield f"{contract.model} takes at most {most} reference images"


def _reasons(
    channel: Channel, info: RouteInfo | None, contract: ContractTerms, asked: AskedRequest
) -> Iterator[str]:
    """Yield every reason for not asking the channel."""
    if not channel.is_enabled:
        yield "disabled"
    if channel.serves == Serves.TEST:
        yield "serves only test keys"
    if info is None:
        yield f"has no route for {contract.model}"
        return
    lack = info.abilities.lack(asked.needs)
    if lack is not None:
        yield f"is no channel that {lack.what}"
    elif plan(info, contract=contract, size=asked.size, needs=asked.needs) is None:
        yield _why_not(asked.size, contract)


def _why_not(size: str, contract: ContractTerms) -> str:
    if size == AUTO:
        return "does not take auto as a size"
    if contract.is_exact:
        return f"does not make {size} itself, and the sizes of {contract.model} are exact"
    return "has no size that can replace it"


def _serving(
    routes: list[RouteInfo], contract: ContractTerms, asked: AskedRequest
) -> Iterator[Serving]:
    ranks: dict[tuple[int, bool], int] = {}
    capable = shares(routes, contract=contract, size=asked.size, needs=asked.needs)
    for candidate, share in capable:
        route = candidate.route
        place = ranks.setdefault(rank(candidate), len(ranks) + 1)
        request = SentRequest(
            model=route.upstream_model,
            size=candidate.upstream_size,
            quality=route.quality_for(asked.quality),
            n=asked.n,
            at=clock.now(),
        )
        cost = upstream_cost(route.costs, sent=request)
        ignored = candidate.ignored(asked.sent, output_format=contract.formats[0])
        yield Serving(
            route.channel_name,
            place,
            share,
            candidate.plan,
            request,
            orders=route.abilities.orders_for(asked.n),
            cost=cost,
            ignored=ignored,
            told=tuple(told_map(route.kind, route.field_map)),
        )
