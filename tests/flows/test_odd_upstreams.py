"""Channels that refuse: for long, suddenly, or for all models together."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.customers.customer import Customer, Operator
from tests.fakes.refusing import first_channel, refusing
from tests.stack.servers import Stack

PRICE_OF_LOW = 5_880
AT_ONCE_SECONDS = 10.0
MODELS = (
    *("gpt-image-1", "gpt-image-2", "gpt-image-2-pro", "gpt-image-2-auto", "gpt-image-2-origin"),
    *("dall-e-2", "dall-e-3"),
)


def test_a_gate_that_opens_too_late_is_not_waited_for(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        refusing(stack.upstream_ports[2], 429, headers={"Retry-After": "2099"}) as dead,
        first_channel(operator, "refusing", dead.base_url),
        only_that_channel(operator),
    ):
        customer.generate("a fox")
        began = time.monotonic()
        response = customer.generate("a fox")
        seconds = time.monotonic() - began

    assert seconds < AT_ONCE_SECONDS
    assert response.status_code == 503, response.text
    assert dead.calls == 1
    assert customer.balance() == (10_000_000, 0)


@contextmanager
def only_that_channel(operator: Operator) -> Iterator[None]:
    operator("channel", "disable", "sandbox", "--yes")
    try:
        yield
    finally:
        operator("channel", "enable", "sandbox")


@pytest.mark.parametrize("good_calls", [8, 20])
def test_a_channel_that_was_healthy_and_begins_to_refuse_is_called_ten_times_at_most(
    customer: Customer, operator: Operator, stack: Stack, good_calls: int
) -> None:
    with (
        refusing(stack.upstream_ports[2], 503, good_calls=good_calls) as upstream,
        first_channel(operator, "refusing", upstream.base_url),
    ):
        four_at_a_time(customer, ["gpt-image-2-origin"] * good_calls)
        bad = four_at_a_time(customer, ["gpt-image-2-origin"] * 40)

    assert [response.status_code for response in bad] == [200] * 40
    assert 1 <= upstream.calls - good_calls <= 10
    assert customer.captures() == [PRICE_OF_LOW] * (40 + good_calls)


def test_a_key_that_is_refused_is_refused_for_all_models_of_the_channel(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        refusing(stack.upstream_ports[2], 401) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        responses = four_at_a_time(customer, [MODELS[number % 7] for number in range(40)])

    assert [response.status_code for response in responses] == [200] * 40
    assert 1 <= dead.calls <= 10


def four_at_a_time(customer: Customer, models: list[str]) -> list[httpx.Response]:
    def generate(model: str) -> httpx.Response:
        quality: dict[str, Any] = {} if model.startswith("dall-e") else {"quality": "low"}
        return customer.generate("a boat", model=model, **quality)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(generate, models))
