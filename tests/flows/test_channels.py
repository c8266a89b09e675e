"""Several channels: a dead one is avoided, no tenant pays twice, commands take effect at once."""

import asyncio
from typing import Any

import pytest

from tests.customers.customer import Customer, Operator
from tests.fakes.refusing import first_channel, refusing
from tests.stack.running import MakeCustomer
from tests.stack.servers import Stack

PRICE_OF_LOW = 5_880
BOATS = [{"prompt": f"boat {number}", "quality": "low"} for number in range(40)]


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_channel_that_refuses_is_called_ten_times_of_forty_at_most(
    customer: Customer, operator: Operator, stack: Stack, status: int
) -> None:
    with (
        refusing(stack.upstream_ports[2], status) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        responses = asyncio.run(customer.generate_many(BOATS))

    assert [response.status_code for response in responses] == [200] * 40
    assert 1 <= dead.calls <= 10
    assert customer.captures() == [PRICE_OF_LOW] * 40


def test_a_channel_that_cannot_be_reached_is_passed_over(
    customer: Customer, operator: Operator, stack: Stack, database: Any
) -> None:
    url = f"http://127.0.0.1:{stack.upstream_ports[3]}"
    with first_channel(operator, "unreachable", url):
        responses = asyncio.run(customer.generate_many(BOATS))

    (tried,) = database.execute(
        "SELECT count(*) FROM generation_attempt AS a"
        " JOIN generation_channel AS c ON c.id = a.channel_id WHERE c.name = 'unreachable'"
    ).fetchone()
    assert [response.status_code for response in responses] == [200] * 40
    assert 1 <= tried <= 10
    assert customer.captures() == [PRICE_OF_LOW] * 40


def test_a_call_whose_fate_is_unknown_is_never_sent_again(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        refusing(stack.upstream_ports[2], 500) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        response = customer.generate("a fox")

    assert response.status_code == 502
    assert dead.calls == 1
    assert customer.balance() == (10_000_000, 0)


def test_requests_that_a_channel_rejects_for_every_tenant_go_to_the_next(
    make_customer: MakeCustomer, operator: Operator, stack: Stack
) -> None:
    ann, bob = make_customer(), make_customer()
    with (
        refusing(stack.upstream_ports[2], 400) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        alone = [ann.generate("a fox", quality="low").status_code for _ in range(6)]
        both = [one.generate("a fox", quality="low").status_code for one in (bob, ann, bob, ann)]

    assert alone == [400] * 6
    assert both == [200] * 4
    assert dead.calls in range(7, 11)
    assert (ann.captures(), bob.captures()) == ([PRICE_OF_LOW] * 2, [PRICE_OF_LOW] * 2)


def test_a_gate_stays_closed_as_long_as_the_upstream_said_until_it_is_reset(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        refusing(stack.upstream_ports[2], 429, headers={"Retry-After": "60"}) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        customer.generate("a fox", quality="low")
        customer.generate("a fox", quality="low")
        calls_before_reset = dead.calls
        operator("channel", "reset", "refusing")
        customer.generate("a fox", quality="low")

    assert calls_before_reset == 1
    assert dead.calls == 2
    assert customer.captures() == [PRICE_OF_LOW] * 3


def test_a_burst_to_a_new_channel_does_not_spill_over_to_a_lower_rank(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        refusing(stack.upstream_ports[2], 503, good_calls=40) as upstream,
        first_channel(operator, "refusing", upstream.base_url),
    ):
        responses = asyncio.run(customer.generate_many(BOATS))

    assert [response.status_code for response in responses] == [200] * 40
    assert upstream.calls == 40
