"""The size at which a channel would make a request. Pure.

A plan is `native` (the size as asked), `closest` (the channel's nearest legal size by ratio, then
area, with the ratio intent appended to the prompt once) or `auto` (the upstream chooses). An exact
contract takes native plans only or, if the operator allows it on a channel, `cropped` ones: the
middle of a larger native size. The sizes of a rule together, ANY, are planned as its largest one.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from billing.price_rows import ANY, PriceRow
from billing.pricing import PriceTable
from generation.catalogue.contracts import AUTO, ContractTerms, RouteInfo
from generation.channels.declaration import PLAIN, Abilities, Needs, Task
from generation.channels.size_rules import Size

NATIVE = "native"
CLOSEST = "closest"
CROPPED = "cropped"
PLANS = (NATIVE, CLOSEST, CROPPED, AUTO)
"""Every way to make a size."""
LEAST_PIXELS = 655_360
"""Today's upstreams make no fewer; a smaller size is scaled down from one of its ratio."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One capable channel with the size to send and the prompt's addition, if any.

    `made_into` is the size made from the upstream's image by cropping or scaling down; None
    delivers it unchanged. `task` is the upstream's.
    """

    route: RouteInfo
    plan: str
    upstream_size: str
    prompt_suffix: str = ""
    made_into: Size | None = None
    task: Task = Task.GENERATE

    @property
    def keeps_size(self) -> bool:
        """True if the caller gets the requested size if the upstream delivers the sent one."""
        return self.plan != CLOSEST or self.made_into is not None

    def ignored(self, sent: Iterable[str], *, output_format: str) -> tuple[str, ...]:
        """The fields that this channel does not honour: some of these, and perhaps `size`.

        `size` stands for `aspect_ratio` and `resolution` too, which choose it.
        """
        abilities = self.route.abilities
        applies = {
            "partial_images": abilities.streams,
            "output_compression": output_format != "png",
        }
        ignored = {x for x in sent if not applies.get(x, x in abilities.fields)}
        return tuple(sorted(ignored if self.keeps_size else ignored | {"size"}))


def plan(
    route: RouteInfo, *, contract: ContractTerms, size: str, needs: Needs = PLAIN
) -> Candidate | None:
    """This channel's plan for that size, or None if it cannot or may not."""
    task = route.abilities.task_for(needs)
    size_plan = None if task is None else _plan_size(route, contract, size)
    if task is None or size_plan is None:
        return None
    return size_plan if size_plan.task is task else replace(size_plan, task=task)


def _plan_size(route: RouteInfo, contract: ContractTerms, size: str) -> Candidate | None:
    abilities = route.abilities
    if size == ANY:
        rule = contract.size_rule
        made = _plan_size(route, contract, str(rule.largest)) if rule else None
        return made and replace(made, upstream_size=ANY)
    if size == AUTO:
        return Candidate(route, AUTO, AUTO) if abilities.makes(AUTO) else None
    if abilities.makes(size):
        return Candidate(route, NATIVE, size)
    wanted = Size.parse(size)
    if contract.is_exact:
        larger = _larger(abilities, wanted) if route.allows_exact_crop else None
        return Candidate(route, CROPPED, str(larger), made_into=wanted) if larger else None
    nearest = _nearest(abilities, wanted)
    if nearest is None:
        return None
    is_scaled = wanted.pixels < LEAST_PIXELS and nearest.ratio == wanted.ratio
    return Candidate(
        route,
        CLOSEST,
        str(nearest),
        prompt_suffix=ratio_sentence(contract, size),
        made_into=wanted if is_scaled and nearest.covers(wanted) else None,
    )


@lru_cache(maxsize=1000)
def _larger(abilities: Abilities, wanted: Size) -> Size | None:
    """The smallest native size that contains the wanted one; its middle is delivered."""
    larger = (size for size in abilities.sizes_near(wanted) if size.covers(wanted))
    return min(larger, key=lambda size: size.pixels, default=None)


@lru_cache(maxsize=1000)
def _nearest(abilities: Abilities, wanted: Size) -> Size | None:
    return min(
        abilities.sizes_near(wanted),
        key=lambda have: (_ratio_distance(have, wanted), abs(have.pixels - wanted.pixels)),
        default=None,
    )


def ratio_sentence(contract: ContractTerms, size: str) -> str:
    """The sentence appended to the prompt, once, if the channel cannot make the size itself."""
    option = contract.by_name.get(size)
    ratio = option.ratio if option else Size.parse(size).ratio
    return f"\n\nCompose the image for an aspect ratio of {ratio}."


def sizes_in_words(contract: ContractTerms) -> str:
    """`auto, 1024x1024; any size with width and height from …`."""
    rule = [f"any size with {contract.size_rule}"] if contract.size_rule else []
    return "; ".join([*filter(None, [", ".join(contract.size_names)]), *rule])


def prices_of(contract: ContractTerms, table: PriceTable, size: str) -> Mapping[str, PriceRow]:
    """The rows of a priced size by quality; those of ANY as at the largest size of the rule."""
    rows = table.qualities(contract.model, size)
    largest = contract.size_rule.largest if contract.size_rule and size == ANY else None
    if largest is None:
        return rows
    at_most = {word: row.at(largest.width, largest.height) for word, row in rows.items()}
    return {word: row for word, row in at_most.items() if row is not None}


def _ratio_distance(have: Size, wanted: Size) -> float:
    return round(
        abs(math.log(have.width / have.height) - math.log(wanted.width / wanted.height)), 9
    )
