"""S3 goes away under load: no more is bought, and bought images are stored once it is back."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.fakes.s3_away import S3Front, front_of
from tests.stack.servers import TEST_BUCKET, Stack, copy_migrated, start_stack, stop_stack
from tests.stack.stack_processes import until

pytestmark = pytest.mark.timeout(180)

PER_SECOND = 4
HALF_A_SECOND = "a fox [sandbox: delay=0.5]"


@pytest.fixture(scope="module")
def front() -> Iterator[S3Front]:
    with front_of(os.environ["S3_ENDPOINT_URL"]) as made:
        yield made


@pytest.fixture(scope="module")
def behind(front: S3Front, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that stores through the front."""
    folder: Path = tmp_path_factory.mktemp("stack")
    copy_migrated(folder / "data")
    stack = start_stack(
        folder,
        S3_ENDPOINT_URL=front.url,
        S3_BUCKET=TEST_BUCKET,
        S3_ACCESS_KEY_ID=os.environ["S3_ACCESS_KEY_ID"],
        S3_SECRET_ACCESS_KEY=os.environ["S3_SECRET_ACCESS_KEY"],
    )
    yield stack
    stop_stack(stack)


@pytest.fixture(scope="module")
def operated(behind: Stack) -> Iterator[Operator]:
    operator = Operator(behind.env)
    yield operator
    operator.close()


@pytest.fixture
def buyer(behind: Stack, operated: Operator, request: pytest.FixtureRequest) -> Iterator[Customer]:
    made = Customer.create(behind, operated, request.node.name[-60:], "10.00")
    yield made
    made.close()


@pytest.fixture
def upstream(behind: Stack) -> Iterator[httpx.Client]:
    """The sandbox's counters, from zero."""
    base_url = behind.env["SANDBOX_URL"].removesuffix("/v1")
    with httpx.Client(base_url=base_url, trust_env=False) as client:
        client.post("/__stats/reset").raise_for_status()
        yield client


def calls(upstream: httpx.Client) -> int:
    return int(upstream.get("/__stats").json()["requests"])


def storage_of(stack: Stack) -> tuple[int, bool]:
    answer = httpx.get(f"{stack.base_url}/readyz", trust_env=False, timeout=10)
    return answer.status_code, answer.json()["storage"]


def s3_is_up(stack: Stack) -> bool:
    page = httpx.get(f"{stack.base_url}/metrics", trust_env=False, timeout=30).text
    return 'pictor_server_up{server="s3"} 1' in page


class Traffic:
    """Requests at a steady rate, with the status of each answer."""

    def __init__(self, buyer: Customer) -> None:
        self._headers = {"Authorization": f"Bearer {buyer.api_key}"}
        self._base_url = buyer.stack.base_url

    async def send(self, count: int, *, meanwhile: Any = None) -> list[int]:
        """All statuses, in the order of the requests; `meanwhile` runs once all are sent."""
        async with httpx.AsyncClient(
            base_url=self._base_url, headers=self._headers, timeout=170, trust_env=False
        ) as client:
            sent = []
            for _ in range(count):
                sent.append(asyncio.create_task(self._one(client)))
                await asyncio.sleep(1 / PER_SECOND)  # the rate itself
            if meanwhile is not None:
                await asyncio.to_thread(meanwhile)
            return list(await asyncio.gather(*sent))

    async def _one(self, client: httpx.AsyncClient) -> int:
        body = {"model": "gpt-image-2-origin", "prompt": HALF_A_SECOND, "quality": "low"}
        return (await client.post(GENERATIONS, json=body)).status_code


TWO_FAIL, ONE_HANGS_FOR_5_SECONDS = (20, 12), (40, 32)
UNTIL_KNOWN = {
    "refuses": TWO_FAIL,
    "forbids": TWO_FAIL,
    "is full": TWO_FAIL,
    "has no bucket": TWO_FAIL,
    "hangs": ONE_HANGS_FOR_5_SECONDS,
}
"""Arriving requests, and how many may be bought before the failure is known."""


@pytest.mark.parametrize("how", UNTIL_KNOWN)
def test_nothing_is_bought_while_storage_is_away_and_bought_images_are_stored(
    buyer, operated, upstream, front, how
):
    asked, most = UNTIL_KNOWN[how]
    behind = buyer.stack
    traffic = Traffic(buyer)
    asyncio.run(traffic.send(1))
    bought_before = calls(upstream)
    seen: dict[str, Any] = {}
    front.fails(how)

    def bought() -> int:
        return calls(upstream) - bought_before

    def look_and_come_back() -> None:
        until(lambda: storage_of(behind)[1] is False)
        seen["readyz"], seen["s3"] = storage_of(behind), s3_is_up(behind)
        until(lambda: bought() + buyer.states().get("queued", 0) == asked)
        seen["bought"] = bought()
        seen["charged"] = len(buyer.captures())
        front.passes()

    answers = asyncio.run(traffic.send(asked, meanwhile=look_and_come_back))

    assert seen["readyz"] == (200, False)
    assert seen["s3"] is False
    assert 1 <= seen["bought"] <= most
    assert seen["charged"] == 1
    assert answers == [200] * asked
    assert bought() == asked
    assert (buyer.balance()[1], len(buyer.captures())) == (0, asked + 1)
    until(lambda: storage_of(behind) == (200, True) and s3_is_up(behind))
    assert asyncio.run(traffic.send(10)) == [200] * 10
    assert json.loads(operated("ledger_check", "--json"))["ok"] is True
