"""Who calls in a chaos run: honest customers, a poisoner, a hostile upstream's, slow ones."""

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.chaos.upstream import POISON
from tests.servers import Stack

GENERATIONS = "/v1/images/generations"
HONEST, HOSTILE = "gpt-image-2-origin", "gpt-image-1"
HONEST_CALLERS, HOSTILE_CALLERS, SLOW_CALLERS = 10, 3, 20
POISON_PAUSE_SECONDS = 10.0
PROBE_SECONDS = 1.0
HOSTILE_PAUSE_SECONDS = 1.0
AGAIN_SECONDS = 0.3
FINAL_SECONDS = 120.0


@dataclass
class Seen:
    """What the callers saw."""

    accepted: set[str] = field(default_factory=set)
    """Ids of every 2xx."""
    made: list[tuple[float, float]] = field(default_factory=list)
    """When each honest order began and had its image."""
    answers: Counter[str] = field(default_factory=Counter)


@dataclass
class Traffic:
    """Callers with one key, at once, until the time is over; then each ends what it began."""

    stack: Stack
    api_key: str
    seen: Seen = field(default_factory=Seen)
    is_over: threading.Event = field(default_factory=threading.Event)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def run(self) -> None:
        """All of them."""
        async with httpx.AsyncClient(
            base_url=self.stack.base_url,
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=60,
            trust_env=False,
            limits=httpx.Limits(max_connections=None),
        ) as client:
            callers = [self._honest(client) for _ in range(HONEST_CALLERS)]
            callers += [self._hostile(client) for _ in range(HOSTILE_CALLERS)]
            callers += [self._slow() for _ in range(SLOW_CALLERS)]
            await asyncio.gather(*callers, self._poison(client), self._probe(client))

    async def _honest(self, client: httpx.AsyncClient) -> None:
        while not self.is_over.is_set():
            await self._image(client)

    async def _probe(self, client: httpx.AsyncClient) -> None:
        """One more order every second, whatever became of those before: when is an image made?"""
        async with asyncio.TaskGroup() as orders:
            while not self.is_over.is_set():
                orders.create_task(self._image(client))
                await asyncio.sleep(PROBE_SECONDS)

    async def _image(self, client: httpx.AsyncClient) -> None:
        began = time.monotonic()
        if await self._order(client, HONEST, f"honest-{next(self._numbers)}"):
            self.seen.made.append((began, time.monotonic()))

    async def _hostile(self, client: httpx.AsyncClient) -> None:
        while not self.is_over.is_set():
            await self._order(client, HOSTILE, f"hostile-{next(self._numbers)}", waits=False)
            await asyncio.sleep(HOSTILE_PAUSE_SECONDS)

    async def _poison(self, client: httpx.AsyncClient) -> None:
        """One at a time: each takes its worker with it three times, some 20 s apart."""
        while not self.is_over.is_set():
            await self._order(client, HONEST, f"{POISON}-{next(self._numbers)}")
            await asyncio.to_thread(self.is_over.wait, POISON_PAUSE_SECONDS)

    async def _order(
        self, client: httpx.AsyncClient, model: str, prompt: str, *, waits: bool = True
    ) -> bool:
        """Ask with one idempotency key until there is a final answer; True for an image."""
        body = {"model": model, "prompt": prompt, "size": "1024x1024", "quality": "low"}
        headers = {"Idempotency-Key": prompt}
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
        """Half a request, a byte a second, again and again."""
        address = httpx.URL(self.stack.base_url)
        head = (
            f"POST {GENERATIONS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.api_key}\r\n"
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
