"""Following orders is cheap: a worker waits for a thousand jobs at a vendor of sixty seconds."""

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.bench import report
from tests.bench.ground import MODEL, Ground
from tests.bench.meter import Groups
from tests.bench.report import KB, Result
from tests.customers.edits import picture
from tests.fakes.fal_queue import COMPLETED, WORKING, told
from tests.fakes.raw_server import Received, Script, running, says

JOBS = 1_000
JOB_SECONDS = 60.0
PER_SECOND = 25.0
"""Orders a second: all are taken before the first picture is ready."""
MAX_KB = 40
"""Limit for a job that is followed, in the image worker."""
MAX_CORE = 0.3
"""Limit for the image worker while it only follows."""
MAX_LATE_SECONDS = 5.0
"""Limit for 95 % of the jobs, from the ready picture to its result being fetched."""


@dataclass
class Queue:
    """fal's queue: each order is ready after a while; it counts how late its result is fetched."""

    origin: str
    image: bytes
    ready_at: dict[str, float] = field(default_factory=dict)
    late_seconds: list[float] = field(default_factory=list)
    looks: int = 0

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        await self._answer(request)(request, writer)

    def _answer(self, request: Received) -> Script:
        path = urlsplit(request.target).path.split("/")[1:]
        if request.method == "POST":
            name = f"r-{len(self.ready_at)}"
            self.ready_at[name] = time.monotonic() + JOB_SECONDS
            place = f"{self.origin}/jobs/{name}"
            known = {"status_url": f"{place}/status", "response_url": place}
            return told({"status": "IN_QUEUE", "request_id": name, **known})
        if path[-1] == "status":
            self.looks += 1
            return COMPLETED if time.monotonic() >= self.ready_at[path[1]] else WORKING
        if path[0] == "a.png":
            return says(self.image)
        self.late_seconds.append(time.monotonic() - self.ready_at[path[1]])
        return told({"images": [{"url": f"{self.origin}/a.png"}]})


@dataclass
class Following:
    """The image worker's CPU time between the last order and the first fetched result."""

    queue: Queue
    groups: Groups
    jobs: int
    seen: list[tuple[float, float]] = field(default_factory=list)

    def __call__(self) -> int:
        waiting = len(self.queue.ready_at) - len(self.queue.late_seconds)
        if waiting == self.jobs:
            self.seen.append((time.monotonic(), self.groups.cpu_seconds()["worker"]))
        return waiting

    @property
    def core(self) -> float:
        """The share of a core."""
        (began, before), (ended, after) = self.seen[0], self.seen[-1]
        return (after - before) / (ended - began)


@contextmanager
def _vendor(port: int) -> Iterator[Queue]:
    """The queue's server, in a thread of its own."""
    queue = Queue(f"http://127.0.0.1:{port}", picture((1024, 1024)))
    is_up, is_over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with running(queue, port=port):
            is_up.set()
            await asyncio.to_thread(is_over.wait)

    with ThreadPoolExecutor(1) as pool:
        served = pool.submit(asyncio.run, serve())
        is_up.wait(10)
        try:
            yield queue
        finally:
            is_over.set()
    served.result()


def run(ground: Ground, requests: int | None) -> Result:
    """Order the jobs one after the other; each is ready a minute after its order."""
    count = requests or JOBS
    ground.warm_up()
    port = ground.stack.upstream_ports[0]
    with _vendor(port) as queue:
        ground.channel("fal", port, MODEL, "--kind", "fal", "--timeout", "200", "--sizes", "all")
        following = Following(queue, Groups(ground.stack), count)
        measured = ground.watched(
            requests=count,
            concurrency=count,
            body={"prompt": "Slow boat {number}"},
            per_second=PER_SECOND,
            in_flight=following,
        )
    waiting = report.growth(measured.waiting_bytes, measured.idle_bytes, each=count, unit=KB)
    late = statistics.quantiles(queue.late_seconds, n=20)[18]
    failures = report.failures_of(measured, requests=count)
    if len(queue.ready_at) != count:
        failures.append(f"{len(queue.ready_at)} orders")
    if waiting["worker"] > MAX_KB:
        failures.append(f"{waiting['worker']:.0f} KB for a job")
    if following.core > MAX_CORE:
        failures.append(f"{following.core:.0%} of a core")
    if late > MAX_LATE_SECONDS:
        failures.append(f"95 % of the results fetched after {late:.1f} s")
    looks = queue.looks / count
    return Result(
        name=f"jobs: {count} orders at a vendor that takes {JOB_SECONDS:.0f} s",
        lines=[
            *report.headline(measured),
            f"{following.core:.0%} of a core; {looks:.0f} looks; p95 {late:.1f} s late",
        ],
        columns={"CPU ms/request": report.cpu_ms(measured), "KB/request waiting": waiting},
        figures={
            **report.facts(measured),
            "kb_per_job": waiting,
            "core": following.core,
            "late_seconds": late,
            "looks": looks,
        },
        failures=failures,
    )
