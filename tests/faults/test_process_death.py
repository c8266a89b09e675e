"""Processes killed, stopped and robbed of their messages: all accepted work ends, paid once."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
import redis

from pictor.embedded.logs import begin_log
from tests.customers.customer import Customer, Operator
from tests.fakes.refusing import first_channel
from tests.faults.upstream import Holding, serving
from tests.stack.servers import ROOT, Stack
from tests.stack.stack_processes import outlive_leases, stopped, until

PRICE_OF_LOW = 5_880
BOATS = [{"prompt": f"boat {number}", "quality": "low"} for number in range(20)]


@pytest.fixture
def upstream(stack: Stack, operator: Operator) -> Iterator[Holding]:
    """Get all orders, and hold their answers back."""
    holding = Holding(stack)
    with (
        serving(holding.port, holding.answer),
        first_channel(operator, "holding", holding.base_url),
    ):
        yield holding
        holding.let_go()


def in_flight(sandbox: httpx.Client) -> int:
    return int(sandbox.get("/__stats").json()["in_flight"])


def test_a_killed_image_worker_loses_nothing_and_charges_nothing_twice(
    customer: Customer, operator: Operator, stack: Stack, upstream: Holding
) -> None:
    async def run() -> list[httpx.Response]:
        calls = asyncio.create_task(customer.generate_many(BOATS))
        await asyncio.to_thread(until, lambda: upstream.all_calls == 20)
        os.kill(stack.pids()["worker"][0], signal.SIGKILL)
        upstream.let_go()
        await asyncio.to_thread(outlive_leases, stack)
        return await calls

    responses = asyncio.run(run())

    assert [response.status_code for response in responses] == [200] * 20
    assert customer.states() == {"succeeded": 20}
    assert customer.captures() == [PRICE_OF_LOW] * 20
    assert customer.balance() == (10_000_000 - 20 * PRICE_OF_LOW, 0)
    operator("ledger_check")  # fails if the books are wrong


def test_an_sdk_pays_once_for_each_order_when_the_web_process_is_killed(
    customer: Customer, stack: Stack, sandbox: httpx.Client, database: Any
) -> None:
    async def run() -> list[openai.types.ImagesResponse]:
        async with openai.AsyncOpenAI(
            base_url=f"{stack.base_url}/v1",
            api_key=customer.api_key,
            max_retries=20,
            http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
        ) as client:
            orders = [
                client.images.generate(
                    model="gpt-image-2-origin",
                    prompt=f"boat {number} [sandbox: delay=5]",
                    extra_body={"quality": "low"},
                )
                for number in range(10)
            ]
            calls = asyncio.gather(*orders)
            await asyncio.to_thread(until, lambda: in_flight(sandbox) == 10)
            os.kill(stack.pids()["web"][0], signal.SIGKILL)
            return await calls

    answers = asyncio.run(run())

    assert len({answer.data[0].url for answer in answers if answer.data}) == 10
    assert customer.captures() == [PRICE_OF_LOW] * 10
    assert sandbox.get("/__stats").json()["requests"] == 10


def test_generations_queued_when_the_broker_is_emptied_all_end(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    later = {"Prefer": "respond-async"}
    with stopped(stack.pids()["worker"][0]):
        accepted = [
            customer.generate(f"boat {number}", quality="low", headers=later)
            for number in range(20)
        ]
        with redis.Redis.from_url(stack.env["REDIS_URL"]) as broker:
            broker.flushall()

    assert [response.status_code for response in accepted] == [202] * 20
    until(lambda: customer.states() == {"succeeded": 20})
    assert customer.captures() == [PRICE_OF_LOW] * 20
    operator("ledger_check")  # fails if the books are wrong


@contextlib.contextmanager
def second_worker(stack: Stack) -> Iterator[None]:
    log = stack.run_dir / "log" / "second-worker.log"
    start = begin_log(log)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            [
                *(sys.executable, "-m", "celery", "-A", "pictor.celery", "worker"),
                *("--pool", "threads", "-c", "8", "-Q", "images", "-n", "second@%h"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "INFO"),
            ],
            cwd=ROOT,
            env={**os.environ, **stack.env, "PICTOR_ROLE": "worker"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: b"ready." in log.read_bytes()[start:])
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_a_worker_that_comes_back_after_its_lease_changes_nothing(
    customer: Customer, operator: Operator, stack: Stack, upstream: Holding, database: Any
) -> None:
    first = stack.pids()["worker"][0]
    for boat in BOATS[:5]:
        customer.generate(boat["prompt"], quality="low", headers={"Prefer": "respond-async"})
    until(lambda: upstream.all_calls == 5)

    with stopped(first):
        upstream.let_go()
        outlive_leases(stack)
        with second_worker(stack):
            until(lambda: customer.states() == {"succeeded": 5})
            settled = snapshot(database)
            beats = lease_of(database, first)
            os.kill(first, signal.SIGCONT)
            until(lambda: lease_of(database, first) != beats)

    assert snapshot(database) == settled
    assert customer.captures() == [PRICE_OF_LOW] * 5
    operator("ledger_check")  # fails if the books are wrong


def snapshot(database: Any) -> list[tuple[Any, ...]]:
    """Every generation's end, every transfer and image, as text."""
    rows: list[tuple[Any, ...]] = []
    for table in ("generation_generation", "billing_transfer", "storage_storedimage"):
        rows += database.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1").fetchall()  # noqa: S608 - built from constants
    return rows


def lease_of(database: Any, pid: int) -> Any:
    """The newest lease of that process."""
    return database.execute(
        "SELECT epoch, seen_at FROM generation_worker WHERE pid = %s"
        " ORDER BY started_at DESC LIMIT 1",
        [pid],
    ).fetchone()
