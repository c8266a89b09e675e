"""Callers of a chaos run: honest, poisonous, of a hostile and of late upstreams, and slow ones.

And two greedy tenants, one with slow requests and one with tests that hang.
"""

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.chaos.upstream import GREEDY, POISON, Honest
from tests.stack.servers import Stack

GENERATIONS = "/v1/images/generations"
HONEST, HOSTILE = "gpt-image-2-origin", "gpt-image-1"
FAL, RELAY = "gpt-image-2", "gpt-image-2-pro"
"""Models of vendors whose pictures are looked for."""
LATE = "late"
HONEST_CALLERS, HOSTILE_CALLERS, SLOW_CALLERS = 10, 3, 20
LATE_CALLERS = 2
"""Of each of these vendors."""
POISON_PAUSE_SECONDS = 10.0
PROBE_SECONDS = 1.0
HOSTILE_PAUSE_SECONDS = 1.0
AGAIN_SECONDS = 0.3
FINAL_SECONDS = 120.0
GREEDY_CALLERS, GREEDY_WAITING = 5, 300
"""Greedy callers, and their slow requests that wait beyond those begun."""
TESTS = 30
"""Tests that hang or wait at once; then one more comes each second."""
HANGS = "[sandbox: delay=300]"


@dataclass(frozen=True)
class Keys:
    """A key of each tenant."""

    honest: str
    greedy: str
    tests: str


@dataclass
class Seen:
    """Results seen by the callers."""

    accepted: set[str] = field(default_factory=set)
    """Ids of every 2xx."""
    made: list[tuple[float, float]] = field(default_factory=list)
    """Times at which each honest order began and had its image."""
    answers: Counter[str] = field(default_factory=Counter)


@dataclass
class Traffic:
    """Callers at once, until the time is over; then each ends its own orders."""

    stack: Stack
    keys: Keys
    upstream: Honest
    seen: Seen = field(default_factory=Seen)
    is_over: threading.Event = field(default_factory=threading.Event)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _queued: int = 0
    """Requests queued by the greedy."""

    async def run(self) -> None:
        """Run all but the greedy."""
        async with self._client(self.keys.honest) as client:
            callers = [self._honest(client) for _ in range(HONEST_CALLERS)]
            callers += [self._hostile(client) for _ in range(HOSTILE_CALLERS)]
            callers += [self._slow() for _ in range(SLOW_CALLERS)]
            callers += [
                self._late(client, model) for model in (FAL, RELAY) for _ in range(LATE_CALLERS)
            ]
            await asyncio.gather(*callers, self._poison(client), self._probe(client))

    async def calm(self, seconds: float) -> list[float]:
        """Run only the honest for this long; return each order's time to its image, or infinity."""
        ends_at = time.monotonic() + seconds
        took: list[float] = []

        async def lane(client: httpx.AsyncClient) -> None:
            while time.monotonic() < ends_at:
                took.append(await self._image(client))

        async with self._client(self.keys.honest) as client:
            await asyncio.gather(*(lane(client) for _ in range(HONEST_CALLERS)))
        return took

    async def greedy(self) -> None:
        """Run the greedy: each has far more waiting than its share of the slots."""
        async with self._client(self.keys.greedy) as client, self._client(self.keys.tests) as tests:
            callers = [self._greedy(client) for _ in range(GREEDY_CALLERS)]
            await asyncio.gather(*callers, self._tester(tests))

    def _client(self, api_key: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self.stack.base_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=60,
            trust_env=False,
            limits=httpx.Limits(max_connections=None),
        )

    async def _honest(self, client: httpx.AsyncClient) -> None:
        while not self.is_over.is_set():
            await self._image(client)

    async def _probe(self, client: httpx.AsyncClient) -> None:
        """Order once a second, whatever became of earlier orders, and time the images."""
        async with asyncio.TaskGroup() as orders:
            while not self.is_over.is_set():
                orders.create_task(self._image(client))
                await asyncio.sleep(PROBE_SECONDS)

    async def _image(self, client: httpx.AsyncClient) -> float:
        """Seconds until the image was made; infinity if it was not."""
        began = time.monotonic()
        if not await self._order(client, HONEST, f"honest-{next(self._numbers)}"):
            return float("inf")
        self.seen.made.append((began, time.monotonic()))
        return time.monotonic() - began

    async def _hostile(self, client: httpx.AsyncClient) -> None:
        while not self.is_over.is_set():
            await self._order(client, HOSTILE, f"hostile-{next(self._numbers)}", waits=False)
            await asyncio.sleep(HOSTILE_PAUSE_SECONDS)

    async def _late(self, client: httpx.AsyncClient, model: str) -> None:
        while not self.is_over.is_set():
            prompt = f"{LATE}-{model}-{next(self._numbers)}"
            await self._order(client, model, prompt, waits=False)
            await asyncio.sleep(PROBE_SECONDS)

    async def _poison(self, client: httpx.AsyncClient) -> None:
        """Send a poisonous order at a time: each kills its worker three times, about 20 s apart."""
        while not self.is_over.is_set():
            await self._order(client, HONEST, f"{POISON}-{next(self._numbers)}")
            await asyncio.to_thread(self.is_over.wait, POISON_PAUSE_SECONDS)

    async def _greedy(self, client: httpx.AsyncClient) -> None:
        while not self.is_over.is_set():
            if self._queued - self.upstream.begun(GREEDY) < GREEDY_WAITING:
                self._queued += 1
                await self._order(client, HONEST, f"{GREEDY}-{next(self._numbers)}", waits=False)
            else:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _tester(self, client: httpx.AsyncClient) -> None:
        for sent in itertools.count(1):
            if self.is_over.is_set():
                return
            await self._order(client, HONEST, f"test-{next(self._numbers)} {HANGS}", waits=False)
            if sent >= TESTS:
                await asyncio.sleep(PROBE_SECONDS)

    async def _order(
        self, client: httpx.AsyncClient, model: str, prompt: str, *, waits: bool = True
    ) -> bool:
        """Send with one idempotency key until there is a final answer; return True for an image."""
        body = {"model": model, "prompt": prompt, "size": "1024x1024", "quality": "low"}
        headers = {"Idempotency-Key": prompt.split(maxsplit=1)[0]}
        if not waits:
            headers["Prefer"] = "respond-async"
        gives_up_at = time.monotonic() + FINAL_SECONDS
        while time.monotonic() < gives_up_at:
            try:
                answer = await client.post(GENERATIONS, json=body, headers=headers)
            except httpx.HTTPError as error:
                self.seen.answers[type(error).__name__] += 1
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self.seen.answers[str(answer.status_code)] += 1
            if answer.is_success:
                self.seen.accepted.add(answer.headers["x-pictor-generation-id"])
                return True
            if answer.headers.get("x-should-retry") == "false":
                return False
            await asyncio.sleep(AGAIN_SECONDS)
        self.seen.answers["gave up"] += 1
        return False

    async def _slow(self) -> None:
        """Send half a request, a byte a second, repeatedly."""
        address = httpx.URL(self.stack.base_url)
        head = (
            f"POST {GENERATIONS} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {self.keys.honest}\r\n"
            "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n"
        )
        while not self.is_over.is_set():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(address.host, address.port)
                for byte in head.encode()[: next(self._numbers) % len(head)]:
                    if self.is_over.is_set() or writer.is_closing():
                        break
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.05)
                writer.close()
            await asyncio.sleep(AGAIN_SECONDS)
