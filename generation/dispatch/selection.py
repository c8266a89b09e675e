"""Which channels may serve a request, and in which order. Pure.

Lower priority goes first, native plans before closest ones, and weight shares the traffic of
equals by a weighted draw.
"""

import math
from collections.abc import Callable, Iterable

from generation.catalogue.contracts import ContractTerms, RouteInfo
from generation.catalogue.plans import CLOSEST, Candidate, plan
from generation.channels.declaration import PLAIN, Needs


def candidates(
    routes: Iterable[RouteInfo],
    *,
    contract: ContractTerms,
    size: str,
    needs: Needs = PLAIN,
    roll: Callable[[], float],
) -> list[Candidate]:
    """Every capable channel, best first. `roll` gives random numbers in [0, 1)."""
    plans = (plan(route, contract=contract, size=size, needs=needs) for route in routes)
    capable = [found for found in plans if found]
    drawn = {id(found): _draw(found.route.weight, roll()) for found in capable}
    return sorted(
        capable,
        key=lambda found: (found.route.priority, found.plan == CLOSEST, -drawn[id(found)]),
    )


def _draw(weight: int, roll: float) -> float:
    """A key for weighted random order: the largest of weight 2 is twice as often first."""
    return math.log(max(roll, 1e-12)) / weight if weight else -math.inf
