"""The channels that may serve a request, and their order."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, repeat
from random import Random
from typing import Any

import pytest

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.selection import candidates, shares
from tests.making.factories import contract_of, route_info


def order(
    routes: list[RouteInfo],
    *,
    model: str = "gpt-image-2",
    size: str = "1536x1024",
    rolls: Sequence[float] = (),
) -> list[str]:
    numbers = chain(rolls, repeat(0.5))
    found = candidates(routes, contract=contract_of(model), size=size, roll=lambda: next(numbers))
    return [candidate.route.channel_name for candidate in found]


def named(name: str, *sizes: str, **options: Any) -> RouteInfo:
    return route_info(*sizes, channel_name=name, **options)


def test_a_smaller_priority_goes_first():
    routes = [named("c", priority=30), named("a", priority=-1), named("b", priority=10)]

    assert order(routes) == ["a", "b", "c"]


def test_among_equals_a_native_size_goes_before_a_closest_one():
    routes = [named("closest", "1024x1024"), named("native", "1536x1024"), named("any")]

    assert order(routes, rolls=[0.9, 0.2, 0.1]) == ["native", "any", "closest"]


def test_priority_weighs_more_than_a_native_size():
    routes = [named("native", priority=20), named("closest", "1024x1024", priority=10)]

    assert order(routes) == ["closest", "native"]


def test_channels_that_cannot_make_the_size_are_left_out():
    routes = [named("one", "1024x1024"), named("two", "1536x1024")]

    assert order(routes, model="gpt-image-2-origin") == ["two"]
    assert order(routes, model="gpt-image-2-auto", size="auto") == []


def test_equals_are_drawn_by_weight():
    routes = [named("light", weight=1), named("heavy", weight=3)]
    roll = Random(7).random  # noqa: S311 - a draw that is the same in each run
    firsts = Counter(
        candidates(routes, contract=contract_of("gpt-image-2"), size="1024x1024", roll=roll)[
            0
        ].route.channel_name
        for _ in range(4000)
    )

    assert 2900 < firsts["heavy"] < 3100


def test_a_channel_of_weight_zero_goes_last_among_equals():
    routes = [named("spare", weight=0), named("one", weight=1)]

    assert order(routes, rolls=[0.999, 0.0]) == ["one", "spare"]


def test_no_routes_give_no_candidates():
    assert order([]) == []


def by_channel(routes: list[RouteInfo], *, size: str = "1536x1024") -> dict[str, float]:
    found = shares(routes, contract=contract_of("gpt-image-2"), size=size)
    return {share.candidate.route.channel_name: share.fraction for share in found}


def test_shares_are_those_of_the_best_rank_by_weight():
    routes = [
        named("later", priority=20), named("closest", "1024x1024", weight=9),
        named("light", weight=1), named("heavy", weight=3),
    ]  # fmt: skip

    assert by_channel(routes) == {"heavy": 0.75, "light": 0.25, "closest": 0.0, "later": 0.0}
    assert list(by_channel(routes)) == ["heavy", "light", "closest", "later"]


def test_a_channel_that_cannot_make_the_size_has_no_share():
    routes = [named("one", "1024x1024"), named("auto", "auto")]

    assert by_channel(routes, size="auto") == {"auto": 1.0}
    assert by_channel([]) == {}


def test_the_first_channel_goes_first_where_all_weigh_nothing():
    assert by_channel([named("one", weight=0), named("two", weight=0)]) == {"one": 1.0, "two": 0.0}


@pytest.mark.parametrize("weights", [(1, 1), (1, 3), (7, 2, 1), (100, 1), (0, 5, 5)])
def test_shares_are_within_a_hundredth_of_ten_thousand_draws(weights):
    routes = [named(f"c{place}", weight=weight) for place, weight in enumerate(weights)]
    contract = contract_of("gpt-image-2")
    roll = Random(11).random  # noqa: S311 - a draw that is the same in each run
    drawn = Counter(
        candidates(routes, contract=contract, size="1024x1024", roll=roll)[0].route.channel_name
        for _ in range(10_000)
    )

    shares = by_channel(routes, size="1024x1024")
    assert {name: drawn[name] / 10_000 for name in shares} == pytest.approx(shares, abs=0.01)
