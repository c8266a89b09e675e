"""The fixed thread pools in which requests and generations do their blocking work.

Besides: DNS look-ups (kit/outbound/egress.py: 8 threads for each set of private origins, 32 for
what callers name and 32 for webhooks; webhooks/addresses.py: 2), pages outside /v1 (a thread each,
8 at a time at most), a thread for each test of a route (generation/catalogue/lanes.py: 8 at work),
and single threads that last as long as their process (presence, heartbeat, loop, reaper and its
watch, the beat, the consumer's watch, webhooks, the posting of figures).

    views       8   every sync endpoint under /v1 that does not wait for S3, web
    removals    2   DELETE of generations, which does, web
    probes      1   the look at the servers behind /readyz, web
    figures     1   the figures of /metrics, web
    database    8   database work outside of the loop, web and image worker; webhooks,
                    short-work worker
    storage    16   S3 calls, both; small images go by the loop (storage/loop_wire.py)
    conversion  2   verification and conversion of pixels, worker; fair between tenants
    references  1   verification of reference images, both; fair between tenants

Admission has turns instead of threads: it runs on the loop, and in `database` if it must block.

A database thread keeps its one connection for life; a connection that broke is dropped after the
call that broke it, so that the next call gets a fresh one.
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
    """Threads for blocking calls of event loops, `count` at most, which stay once they are made.

    A call that is cancelled before it begins is not made; one that has begun goes on to its end,
    and so it does when the process ends.
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
        """Make a call in a thread: its result, or what it raises."""
        call = partial(function, *args, **kwargs)
        if self._asks_database:
            call = partial(on_own_connection, call)
        in_context = partial(copy_context().run, call)  # the request id, for the log
        made = self._threads.submit(in_context)
        self._unfinished.add(made)
        made.add_done_callback(self._unfinished.discard)
        return await asyncio.wrap_future(made)


class FairPool:
    """A thread pool whose queue is FairTurns."""

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
        """Run the call in a thread, in the lane's turn. To be awaited on one event loop only."""
        return await self._turns.run(lane, partial(self._made, call))

    async def _made(self, call: Callable[[], T]) -> T:
        made = self._threads.submit(copy_context().run, partial(on_own_connection, call))
        return await asyncio.wrap_future(made)


views = Pool("views", 8)
removals = Pool("removals", 2)
probes = Pool("probes", 1)
figures = Pool("figures", 1)
database = Pool("database", 8)
storage = Pool("storage", 16, asks_database=False)


async def surely(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `database`, retried until the database is back. For writes that are safe to repeat."""
    return await again(partial(database, function, *args, **kwargs))


async def again(function: Callable[[], Awaitable[T]]) -> T:
    """Await a write, retried until the database is back."""
    return await _again(_is_away, function)


def _is_away(error: Exception) -> bool:
    is_away = isinstance(error, OperationalError | InterfaceError)
    if is_away:
        logger.warning("what must be written is written again: %s", error)
    return is_away


@cache
def conversion() -> FairPool:
    """The pool for pixels: two at a time, because nothing else needs that much memory.

    Its images are paid for, so they wait as long as it takes.
    """
    return FairPool(
        "conversion", threads=2, per_lane=2, max_queued=math.inf, max_wait_seconds=math.inf
    )


@cache
def references() -> FairPool:
    """The pool that decodes reference images: one at a time, because that needs memory."""
    return FairPool("references", threads=1, per_lane=1, max_queued=400, max_wait_seconds=60)


@cache
def admission() -> FairTurns:
    """A web process's turns of admission (ADR 0004 has the reasons for their bounds)."""
    return FairTurns("admission", count=6, per_lane=3, max_queued=6000, max_wait_seconds=60)
