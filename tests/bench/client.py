"""Customers: many calls at once from their own process, so that their cost is counted apart.

Run as `python -m tests.bench.client`: a `Load` as JSON on standard input, an `Outcome` as JSON on
standard output. Answers are read in pieces and thrown away.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

import aiohttp

from pictor.embedded.process import raise_file_limit
from tests.fakes.recorder import noise

CALL_SECONDS = 300.0
"""Time after which a call is given up."""
IMAGE_SIZE = (2_600, 1_960)
"""Size at which noise weighs 20.4 MB."""
ERRORS_KEPT = 5
ERROR_BYTES = 300


@dataclass(frozen=True, kw_only=True)
class Load:
    """The load to send: `requests` calls, at most `concurrency` at a time, keys taken in turn."""

    base_url: str
    api_keys: list[str]
    requests: int
    concurrency: int
    body: dict[str, object]
    """The request; `{number}` in its prompt becomes the call's number, so that no two are equal."""
    images: int = 0
    """Number of 20 MB files sent with each request, which is then an edit."""
    per_second: float = 0
    """Arrivals each second, as far as `concurrency` allows; 0: each call as soon as possible."""


@dataclass(kw_only=True)
class Outcome:
    """The result of a load."""

    statuses: dict[str, int] = field(default_factory=dict)
    """Number of answers by status; `error` for calls without an answer."""
    latencies_seconds: list[float] = field(default_factory=list)
    """Times of the 200s from request to last byte."""
    received_bytes: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    errors: list[str] = field(default_factory=list)
    """The first few answers that were not 200."""


class Customers:
    """Clients that send one load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._numbers = iter(range(load.requests))
        self._statuses: Counter[str] = Counter()
        self._outcome = Outcome()
        self._began = 0.0

    async def run(self) -> Outcome:
        """Send everything and count the answers."""
        began = self._began = time.monotonic()
        limits = aiohttp.ClientTimeout(total=CALL_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(
            self._load.base_url, connector=connector, timeout=limits
        ) as session:
            lanes = min(self._load.concurrency, self._load.requests)
            await asyncio.gather(*(self._lane(session) for _ in range(lanes)))
        outcome = self._outcome
        outcome.statuses = dict(self._statuses)
        outcome.wall_seconds = time.monotonic() - began
        used = resource.getrusage(resource.RUSAGE_SELF)
        outcome.cpu_seconds = used.ru_utime + used.ru_stime
        return outcome

    async def _lane(self, session: aiohttp.ClientSession) -> None:
        for number in self._numbers:
            if self._load.per_second:
                due = self._began + number / self._load.per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))  # the pace is the load
            try:
                await self._call(session, number)
            except (aiohttp.ClientError, TimeoutError) as error:
                self._note("error", f"{type(error).__name__}: {error}")

    async def _call(self, session: aiohttp.ClientSession, number: int) -> None:
        load = self._load
        key = load.api_keys[number % len(load.api_keys)]
        prompt = str(load.body["prompt"]).replace("{number}", str(number))
        began = time.monotonic()
        sent = self._sent({**load.body, "prompt": prompt})
        headers = {"Authorization": f"Bearer {key}"}
        async with session.post(headers=headers, **sent) as response:
            begin = b""
            async for piece in response.content.iter_any():
                begin = begin or piece[:ERROR_BYTES]
                self._outcome.received_bytes += len(piece)
        if response.status == 200:
            self._statuses["200"] += 1
            self._outcome.latencies_seconds.append(time.monotonic() - began)
        else:
            self._note(str(response.status), begin.decode(errors="replace"))

    def _sent(self, body: dict[str, object]) -> dict[str, Any]:
        """The path and the form or JSON of a request."""
        if not self._load.images:
            return {"url": "/v1/images/generations", "json": body}
        form = aiohttp.FormData()
        for name, value in body.items():
            form.add_field(name, str(value))
        for number in range(self._load.images):
            form.add_field("image[]", noise(IMAGE_SIZE), filename=f"{number}.png")
        return {"url": "/v1/images/edits", "data": form}

    def _note(self, status: str, words: str) -> None:
        self._statuses[status] += 1
        if len(self._outcome.errors) < ERRORS_KEPT:
            self._outcome.errors.append(f"{status} {words}")


def main() -> None:
    """Read a load from standard input, and print its outcome."""
    raise_file_limit()
    load = Load(**json.load(sys.stdin))
    outcome = asyncio.run(Customers(load).run())
    json.dump(asdict(outcome), sys.stdout)


if __name__ == "__main__":
    main()
