"""The fixed thread pools in which requests and generations do their blocking work.

    pool   threads   work and process

    views       8   sync endpoints under /v1 that do not wait for S3; web
    removals    2   DELETE of generations, which waits for S3; web
    probes      1   the checks of servers behind /readyz; web
    figures     1   the figures of /metrics; web
    bell        2   events that the payment provider posts; web, where cards are on
    database    8   database work off the loop; web, image worker, short-work worker (webhooks)
    storage    16   S3 calls; web, image worker (small images use storage/loop_wire.py)
    conversion  2   verification and conversion of pixels, fair between tenants; image worker
    references  1   verification of reference images, fair between tenants; web, image worker

Other threads: DNS look-ups (kit/outbound/egress.py: 8 for each set of private origins, 32 for
callers' URLs and 32 for webhooks; webhooks/addresses.py: 2), pages outside /v1 (a thread each: 8
within their turns, and those that outlast their turn of 30 s, until they end), Celery's pool
(processes/celery_worker.py: 1 or 4), tests of routes (generation/catalogue/trial_threads.py: a
thread each, 8 at work), short-lived ones (the checks of pooler and statement log at the start, the
import of the pages, the reading of manifests), libvips's own, and single threads that live as long
as their process (presence, heartbeat, loop, reaper and its watch, the beat, the consumer's watch,
webhooks, the posting of figures, the renewal of S3 credentials, calls to the payment provider).

Admission has turns instead of threads: it runs on the loop, and in `database` if it must block.

A database thread keeps its one connection for life. A broken connection is dropped after the call
that met the break, so the next call gets a fresh one.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, cached_property, partial
from typing import Any, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError

from pictor.kit.database.breaks import on_own_connection
from pictor.kit.running import retries
from pictor.kit.running.turns import CALLS, THREADS, FairTurns

logger = logging.getLogger(__name__)

_again = retries.calls(pause_seconds=1.0)

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """At most `count` threads for the blocking calls of event loops; threads stay once started.

    A call cancelled before it begins is not made. A call that has begun runs to its end, even while
    the process ends.
    """

    def __init__(self, name: str, count: int, *, asks_database: bool = True) -> None:
        self.count = count
        self._name = name
        self._asks_database = asks_database
        self._unfinished: set[Future[Any]] = set()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        THREADS.labels(self._name).set(self.count)
        CALLS.labels(self._name).set_function(lambda: len(self._unfinished))
        return ThreadPoolExecutor(self.count, thread_name_prefix=self._name)

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a call in a thread; return its result or raise its error."""
        call = partial(function, *args, **kwargs)
        if self._asks_database:
            call = partial(on_own_connection, call)
        in_context = partial(copy_context().run, call)  # the request id, for the log
        future = self._threads.submit(in_context)
        self._unfinished.add(future)
        future.add_done_callback(self._unfinished.discard)
        return await asyncio.wrap_future(future)


class FairPool:
    """A thread pool whose queue is a `FairTurns`."""

    def __init__(
        self, name: str, *, threads: int, per_lane: int, max_queued: float, max_wait_seconds: float
    ) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._turns = FairTurns(
            name,
            count=threads,
            per_lane=per_lane,
            max_queued=max_queued,
            max_wait_seconds=max_wait_seconds,
        )

    async def run(self, lane: object, call: Callable[[], T]) -> T:
        """Run a call in a thread when its lane's turn comes. Use from a single event loop."""
        return await self._turns.run(lane, partial(self._run_in_thread, call))

    async def _run_in_thread(self, call: Callable[[], T]) -> T:
        future = self._threads.submit(copy_context().run, partial(on_own_connection, call))
        return await asyncio.wrap_future(future)


views = Pool("views", 8)
removals = Pool("removals", 2)
probes = Pool("probes", 1)
figures = Pool("figures", 1)
bell = Pool("bell", 2)
database = Pool("database", 8)
storage = Pool("storage", 16, asks_database=False)


async def surely(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call in `database`, retried until the database is back; for repeatable writes only."""
    return await again(partial(database, function, *args, **kwargs))


async def again(function: Callable[[], Awaitable[T]]) -> T:
    """Await a write, retried until the database is back."""
    return await _again(_is_away, function)


def _is_away(error: Exception) -> bool:
    is_away = isinstance(error, OperationalError | InterfaceError)
    if is_away:
        logger.warning("a write that must not be lost is repeated: %s", error)
    return is_away


@cache
def conversion() -> FairPool:
    """Return the pool for pixels: two calls at a time, because each needs much memory.

    Its queue has no bounds, since its images are already paid for.
    """
    return FairPool(
        "conversion", threads=2, per_lane=2, max_queued=math.inf, max_wait_seconds=math.inf
    )


@cache
def references() -> FairPool:
    """Return the pool that decodes reference images, one at a time to spare memory."""
    return FairPool("references", threads=1, per_lane=1, max_queued=400, max_wait_seconds=60)


@cache
def admission() -> FairTurns:
    """Return the web process's turns of admission (ADR 0004 explains their bounds).

    So many, because those that hold money wait for each other and go together.
    """
    return FairTurns("admission", count=64, per_lane=32, max_queued=6000, max_wait_seconds=60)


@cache
def blocking_admission() -> FairTurns:
    """Return the turns of admissions in threads of `database`: no tenant's locks hold them all."""
    return FairTurns(
        "blocking_admission", count=6, per_lane=3, max_queued=math.inf, max_wait_seconds=60
    )
