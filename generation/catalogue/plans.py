"""The size at which a channel would make a request. Pure.

A plan is `native` (the size as asked), `closest` (the channel's nearest legal size by ratio, then
area, with the ratio intent appended to the prompt once) or `auto` (the upstream chooses). An exact
contract takes native plans only or, if the operator allows it on a channel, `cropped` ones: the
middle of a larger native size.
"""

import math
from dataclasses import dataclass, replace

from generation.catalogue.contracts import AUTO, ContractTerms, RouteInfo, Size
from generation.channels.declaration import PLAIN, Needs, Task

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
    sizes = route.native_sizes
    if size == AUTO:
        return Candidate(route, AUTO, AUTO) if sizes is None or AUTO in sizes else None
    if sizes is None or size in sizes:
        return Candidate(route, NATIVE, size)
    wanted = Size.parse(size)
    legal = [Size.parse(name) for name in sizes if name != AUTO]
    if contract.is_exact:
        return _plan_crop(route, legal, wanted) if route.allows_exact_crop else None
    if not legal:
        return None
    nearest = min(legal, key=lambda have: (_ratio_distance(have, wanted), _area(have, wanted)))
    is_scaled = wanted.pixels < LEAST_PIXELS and nearest.ratio == wanted.ratio
    return Candidate(
        route,
        CLOSEST,
        str(nearest),
        prompt_suffix=ratio_sentence(contract, size),
        made_into=wanted if is_scaled and nearest.covers(wanted) else None,
    )


def _plan_crop(route: RouteInfo, legal: list[Size], wanted: Size) -> Candidate | None:
    """The smallest native size that contains the wanted one; its middle is delivered."""
    larger = [size for size in legal if size.covers(wanted)]
    if not larger:
        return None
    smallest = min(larger, key=lambda size: size.pixels)
    return Candidate(route, CROPPED, str(smallest), made_into=wanted)


def ratio_sentence(contract: ContractTerms, size: str) -> str:
    """The sentence appended to the prompt, once, if the channel cannot make the size itself."""
    return f"\n\nCompose the image for an aspect ratio of {contract.by_name[size].ratio}."


def _ratio_distance(have: Size, wanted: Size) -> float:
    return round(
        abs(math.log(have.width / have.height) - math.log(wanted.width / wanted.height)), 9
    )


def _area(have: Size, wanted: Size) -> int:
    return abs(have.pixels - wanted.pixels)
