"""Others do not wait behind a greedy tenant with thousands of slow requests or free tests.

A tenant queues 5,000 requests whose images take 240 s each; then another sends one. Then 26 tenants
queue 100 tests each that hang, and the other sends one more.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import closing

import aiohttp
import httpx

from tests.bench import report
from tests.bench.ground import MODEL, Ground, in_flight_at
from tests.bench.meter import Groups, Sampler, idle_bytes
from tests.bench.report import MB, Result
from tests.customers.customer import GENERATIONS, Operator
from tests.stack.stack_processes import until

REQUESTS = 5_000
LIVE_SLOTS = 2_250
"""Slots of one tenant, out of 2,500."""
TESTERS, TESTS = 26, 100
"""Number of tenants with a test key, and of requests that each queues."""
TEST_SLOTS = 125
LANES = 50
MAX_SECONDS = 1.0
"""Limit for the other tenant's image, which the upstream sends at once."""
SLOW = "A slow boat [sandbox: delay=240] {number}"


def run(ground: Ground, requests: int | None) -> Result:
    """Run the live requests first, then the tests beside them."""
    count = requests or REQUESTS
    ground.warm_up()
    greedy, honest = ground.keys[:2]
    testers = _test_keys(ground)
    slots = min(count, LIVE_SLOTS)
    seconds: dict[str, float] = {}
    groups = Groups(ground.stack)
    idle = idle_bytes(groups)
    with ground.upstream() as upstream, Sampler(groups, in_flight_at(upstream)) as seen:
        for name, keys, number, held in (
            (f"{count} live requests", [greedy], count, slots),
            (f"{TESTERS * TESTS} tests", testers, TESTERS * TESTS, slots + TEST_SLOTS),
        ):
            asyncio.run(_queue(ground.stack.base_url, keys, number))
            until(lambda: in_flight_at(upstream)() == held)  # noqa: B023 - asked at once
            seconds[name] = _one_more(ground.stack.base_url, honest)
    return Result(
        name="greedy: one more request behind thousands of slow ones of another",
        lines=[f"behind {name}: {took:.2f} s" for name, took in seconds.items()],
        columns={
            "idle MB": report.in_units(idle, MB),
            "peak MB": report.in_units(seen.peak_bytes(), MB),
        },
        figures={"seconds": seconds, "most_in_flight": seen.most_in_flight},
        failures=[
            f"behind {name} it took {took:.1f} s"
            for name, took in seconds.items()
            if took > MAX_SECONDS
        ],
    )


async def _queue(base_url: str, keys: Sequence[str], number: int) -> None:
    """Queue this many slow requests, by each key in turn; raise if one is refused."""
    numbers = iter(range(number))
    async with aiohttp.ClientSession(base_url, raise_for_status=True) as session:

        async def lane() -> None:
            for each in numbers:
                headers = {"Prefer": "respond-async"}
                headers["Authorization"] = f"Bearer {keys[each % len(keys)]}"
                body = {"model": MODEL, "quality": "low", "prompt": SLOW.format(number=each)}
                async with session.post(GENERATIONS, json=body, headers=headers) as answer:
                    await answer.read()

        await asyncio.gather(*(lane() for _ in range(LANES)))


def _one_more(base_url: str, api_key: str) -> float:
    """Seconds from an honest request to its image."""
    headers = {"Authorization": f"Bearer {api_key}"}
    body = {"model": MODEL, "quality": "low", "prompt": "A fox"}
    began = time.monotonic()
    answer = httpx.post(
        base_url + GENERATIONS, json=body, headers=headers, trust_env=False, timeout=300
    )
    answer.raise_for_status()
    return time.monotonic() - began


def _test_keys(ground: Ground) -> list[str]:
    with closing(Operator(ground.stack.env)) as operator:
        names = [f"tester-{number}" for number in range(TESTERS)]
        for name in names:
            operator("tenant", "create", name, "--balance", "0", "--json")
        made = [operator("key", "create", name, "--test", "--json") for name in names]
    return [str(json.loads(each)["api_key"]) for each in made]
