"""Many callers at once: exact money, one upstream call per idempotency key, few threads."""

import asyncio
from collections import Counter

import httpx
import psutil

from tests.customers.customer import Customer
from tests.stack.running import MakeCustomer
from tests.stack.servers import Stack
from tests.stack.stack_processes import stopped, until

PRICE_OF_LOW = 5_880  # 196 tokens, 1024x1024


def test_fifty_concurrent_requests_all_succeed(customer: Customer, sound_ledger: None) -> None:
    bodies = [{"prompt": "a boat", "quality": "low"}] * 50

    responses = asyncio.run(customer.generate_many(bodies))

    assert [response.status_code for response in responses] == [200] * 50
    assert customer.captures() == [PRICE_OF_LOW] * 50
    assert customer.balance() == (10_000_000 - 50 * PRICE_OF_LOW, 0)


def test_a_balance_for_ten_lets_exactly_ten_of_two_hundred_through(
    make_customer: MakeCustomer, sound_ledger: None
) -> None:
    customer = make_customer("0.0588")
    bodies = [{"prompt": "a boat", "quality": "low"}] * 200

    responses = asyncio.run(customer.generate_many(bodies))

    outcomes = Counter(
        (response.status_code, response.json().get("error", {}).get("code"))
        for response in responses
    )
    assert outcomes == {(200, None): 10, (429, "insufficient_quota"): 190}
    refused = next(response for response in responses if response.status_code == 429)
    assert refused.headers["x-should-retry"] == "false"
    assert refused.json()["error"]["type"] == "insufficient_quota"
    assert customer.balance() == (0, 0)


def test_fifty_with_one_idempotency_key_are_one_call_and_one_charge(
    customer: Customer, sandbox: httpx.Client, sound_ledger: None
) -> None:
    bodies = [{"prompt": "one boat [sandbox: delay=1]", "quality": "low"}] * 50

    responses = asyncio.run(customer.generate_many(bodies, headers={"Idempotency-Key": "order-7"}))

    assert [response.status_code for response in responses] == [200] * 50
    ids = {response.headers["x-pictor-generation-id"] for response in responses}
    assert len(ids) == 1
    replayed = Counter(response.headers.get("Idempotent-Replayed") for response in responses)
    assert replayed == {None: 1, "true": 49}
    assert sandbox.get("/__stats").json()["requests"] == 1
    assert customer.captures() == [PRICE_OF_LOW]


def test_five_hundred_waiters_need_less_than_thirty_threads(
    customer: Customer, stack: Stack
) -> None:
    bodies = [{"model": "dall-e-2", "prompt": "a slow boat", "size": "256x256"}] * 500
    (web,), (worker, *_) = stack.pids()["web"], stack.pids()["worker"]

    async def run() -> tuple[int, list[httpx.Response]]:
        with stopped(worker):
            calls = asyncio.create_task(customer.generate_many(bodies))
            await asyncio.to_thread(until, lambda: customer.states() == {"queued": 500})
            threads = psutil.Process(web).num_threads()
        return threads, await calls

    threads, responses = asyncio.run(run())

    assert Counter(response.status_code for response in responses) == {200: 500}
    assert threads < 30
