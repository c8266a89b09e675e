"""The channels that may serve a request, in order. Pure.

Lower priority goes first, native plans before closest ones, and weight shares the traffic of
equals by a weighted draw.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from generation.catalogue.contracts import ContractTerms, RouteInfo
from generation.catalogue.plans import CLOSEST, Candidate, plan
from generation.channels.declaration import PLAIN, Needs


class Share(NamedTuple):
    """A capable channel, and its share of first calls, from 0 to 1."""

    candidate: Candidate
    fraction: float


def candidates(
    routes: Iterable[RouteInfo],
    *,
    contract: ContractTerms,
    size: str,
    needs: Needs = PLAIN,
    roll: Callable[[], float],
) -> list[Candidate]:
    """Every capable channel, best first. `roll` gives random numbers in [0, 1)."""
    capable = _capable(routes, contract, size, needs)
    drawn = {id(candidate): _draw(candidate.route.weight, roll()) for candidate in capable}
    return sorted(capable, key=lambda candidate: (rank(candidate), -drawn[id(candidate)]))


def shares(
    routes: Iterable[RouteInfo], *, contract: ContractTerms, size: str, needs: Needs = PLAIN
) -> list[Share]:
    """The share of requests for which `candidates` puts each channel first, best rank first.

    A channel has the largest log(roll) / weight with the probability of its share of the weights.
    Channels below the best rank are never first.
    """
    capable = sorted(
        _capable(routes, contract, size, needs),
        key=lambda candidate: (rank(candidate), -candidate.route.weight),
    )
    best = [candidate.route.weight for candidate in capable if rank(candidate) == rank(capable[0])]
    weights = best if any(best) else [1]  # if all weights are 0, the first goes first
    fractions = [weight / sum(weights) for weight in weights]
    fractions += [0.0] * (len(capable) - len(fractions))
    return [Share(candidate, fractions[place]) for place, candidate in enumerate(capable)]


def _capable(
    routes: Iterable[RouteInfo], contract: ContractTerms, size: str, needs: Needs
) -> list[Candidate]:
    plans = (plan(route, contract=contract, size=size, needs=needs) for route in routes)
    return [candidate for candidate in plans if candidate]


def rank(candidate: Candidate) -> tuple[int, bool]:
    """Channels of one rank share the requests; the lowest goes first."""
    return candidate.route.priority, candidate.plan == CLOSEST


def _draw(weight: int, roll: float) -> float:
    """A key for weighted random order: weight 2 is first twice as often as weight 1."""
    # A roll may be 0, which has no logarithm; weight 0 goes last of its rank.
    return math.log(max(roll, 1e-12)) / weight if weight else -math.inf
