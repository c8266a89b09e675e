"""Callers of a drill: requests at a steady rate through the proxy, and none is sent twice."""

import asyncio
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from tests.customers.customer import GENERATIONS
from tests.deploy.proxies import BUCKET, SITE, Proxy

CALL_SECONDS = 590.0
"""Time after which a call is given up: OpenAI's SDKs give up after 600 s."""
WORDS = 300
"""Characters kept of an answer."""
PNG = b"\x89PNG"


@dataclass(frozen=True)
class Answer:
    """One call: the time it was sent (monotonic), its seconds, and its status; 0 for none."""

    sent_at: float
    seconds: float
    status: int
    words: str
    has_image: bool
    """Whether the url of a 200 led to an image."""


@dataclass
class Load:
    """`per_second` requests a second, from a thread of its own, for as long as the block runs."""

    proxy: Proxy
    api_key: str
    per_second: float
    prompt: str
    answers: list[Answer] = field(default_factory=list)
    sent: int = 0
    _is_over: threading.Event = field(default_factory=threading.Event)
    _gives_up: bool = False

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Send no more; after an error of the drill, do not wait for answers either."""
        self._is_over.set()
        self._gives_up = error is not None
        self._thread.join()

    def goes_on(self, seconds: float) -> None:
        """Wait for this long, or until the load is over."""
        self._is_over.wait(seconds)

    def sent_between(self, begin: float, end: float = float("inf")) -> list[Answer]:
        """Answers to requests sent in this time, as far as answered."""
        return [answer for answer in self.answers if begin <= answer.sent_at < end]

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=CALL_SECONDS)
        connector = aiohttp.TCPConnector(limit=0)
        base_url = f"https://127.0.0.1:{self.proxy.https_port}"
        began = time.monotonic()
        calls: set[asyncio.Task[None]] = set()
        async with aiohttp.ClientSession(base_url, connector=connector, timeout=timeout) as session:
            while not self._is_over.is_set():
                calls.add(asyncio.create_task(self._call(session, self.sent)))
                self.sent += 1
                due = began + self.sent / self.per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            while not self._gives_up and not all(call.done() for call in calls):
                await asyncio.wait(calls, timeout=0.5)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    async def _call(self, session: aiohttp.ClientSession, number: int) -> None:
        body = {
            "model": "gpt-image-2-origin",
            "prompt": f"Fox {number} {self.prompt}",
            "size": "1024x1024",
            "quality": "low",
            "response_format": "url",
        }
        headers = {"Authorization": f"Bearer {self.api_key}", "Host": SITE}
        began, status, text, has_image = time.monotonic(), 0, "", False
        try:
            async with session.post(
                GENERATIONS, json=body, headers=headers, **self._under(SITE)
            ) as answer:
                text, status = await answer.text(), answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            text = f"{type(error).__name__}: {error}"
        took = time.monotonic() - began
        if status == 200:
            has_image = await self._fetched(session, json.loads(text)["data"][0]["url"])
        self.answers.append(Answer(began, took, status, " ".join(text.split())[:WORDS], has_image))

    async def _fetched(self, session: aiohttp.ClientSession, url: str) -> bool:
        """True if the address leads to an image, by the proxy."""
        signed = urlsplit(url)
        target = URL(f"{signed.path}?{signed.query}", encoded=True)
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(
                target, headers={"Host": BUCKET}, **self._under(BUCKET)
            ) as answer:
                return answer.status == 200 and (await answer.read()).startswith(PNG)
        return False

    def _under(self, name: str) -> dict[str, Any]:
        """TLS options that check the proxy's certificate for that name."""
        return {"ssl": self.proxy.trust, "server_hostname": name}


def failed(answers: Iterable[Answer]) -> Counter[int]:
    """Number of answers by status other than 200."""
    return Counter(answer.status for answer in answers if answer.status != 200)


def seconds_of(answers: Iterable[Answer]) -> tuple[float, float, float]:
    """p50, p95 and the longest, of the 200s; infinite where there are none."""
    found = sorted(answer.seconds for answer in answers if answer.status == 200)
    if not found:
        return (float("inf"),) * 3
    cuts = statistics.quantiles(found, n=20, method="inclusive") if len(found) > 1 else found * 19
    return cuts[9], cuts[18], found[-1]
