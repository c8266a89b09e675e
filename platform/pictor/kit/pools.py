"""The fixed thread pools in which requests and generations do their blocking work.

Besides: DNS look-ups (kit/egress.py: 8 threads for each set of private origins, 32 for what callers
name and 32 for webhooks; webhooks/addresses.py: 2), pages outside /v1 (a thread each, 8 at a time
at most), and single threads that last as long as their process (presence, heartbeat, loop,
reaper and its watch, the beat, the consumer's watch, webhooks, the posting of figures).

    views       8   every sync endpoint under /v1 but those that wait for S3, web
    removals    2   the others: DELETE of generations, web
    probes      1   the look at the servers behind /readyz, web
    figures     1   what /metrics says, web
    database    8   what asks the database beside the loop, web and image worker; webhooks,
                    short-work worker
    storage    16   S3 calls, both; small images go by the loop (storage/loop_wire.py)
    conversion  2   verification and conversion of pixels, worker; fair between tenants
    references  1   verification of reference images, both; fair between tenants

Admission has turns instead of threads: it runs on the loop, and where it must block, in `database`.

A database thread keeps its one connection for life; a connection that broke is dropped after the
call that broke it, so that the next call gets a fresh one.
"""

import asyncio
import logging
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from functools import cache, partial
from typing import Any, ParamSpec, TypeAlias, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from prometheus_client import Gauge

from pictor.kit import prepared, retries
from pictor.kit.errors import Unavailable
from pictor.kit.threads import Threads

logger = logging.getLogger(__name__)

CALLS = Gauge("pictor_pool_calls", "Calls of a pool, waiting or running.", ["pool"])
THREADS = Gauge(
    "pictor_pool_threads",
    "Threads of a pool, connections of the loop, or turns: calls beyond them wait.",
    ["pool"],
)

_again = retries.calls(pause_seconds=1.0)

P = ParamSpec("P")
T = TypeVar("T")
Queue: TypeAlias = "deque[tuple[float, asyncio.Future[None]]]"
"""Who waits for a turn: since when, and the future that says that it has come."""


@cache
def _threads(name: str, count: int) -> Threads:
    threads = Threads(name, count)
    THREADS.labels(name).set(count)
    CALLS.labels(name).set_function(lambda: threads.unfinished)
    return threads


class _Breaks(threading.local):
    """How many breaks of connections this thread had heard of when it last used its own."""

    heard_of = 0


_heard = _Breaks()
_breaks = 0


def breaks() -> int:
    """How many breaks of connections this process has met."""
    return _breaks


def broke() -> None:
    """A connection broke: whoever has others drops them before they are used again."""
    global _breaks  # noqa: PLW0603 - a count that only grows; a lost increment costs one refusal
    _breaks += 1


def _with_database(call: Callable[[], T]) -> T:
    """Run a call on this thread's own connection and leave that connection fit for the next.

    Where one connection broke, the others are as dead: every thread drops its own before it is
    used again, so that a database that came back is not refused once more by each thread. So does
    one whose connection was ended while nobody used it.
    """
    idle = connection.connection
    if _heard.heard_of != _breaks or (idle is not None and prepared.has_ended(idle)):
        _heard.heard_of = _breaks
        connection.close()
    used = connection.connection
    try:
        return call()
    except (DatabaseError, InterfaceError) as error:
        # A transaction that ends on a dead connection has made another one already.
        if any(one is not None and one.closed for one in (used, connection.connection)):
            broke()
            if type(error) is DatabaseError:  # libpq says no more of a connection that broke
                raise OperationalError(*error.args) from error.__cause__
        raise
    finally:
        if connection.connection is not None and (
            connection.errors_occurred or not connection.get_autocommit()
        ):
            connection.close()


async def _run(name: str, threads: int, call: Callable[[], T]) -> T:
    return await _made(_threads(name, threads), call)


async def _made(threads: Threads, call: Callable[[], T]) -> T:
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    in_context = partial(copy_context().run, call)  # the request id, for the log
    threads.make(in_context, future)
    return await future


async def views(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a sync endpoint: at most 8 at a time in a web process."""
    call = partial(function, *args, **kwargs)
    return await _run("views", 8, partial(_with_database, call))


async def removals(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a sync endpoint that removes objects from S3: while that hangs, only these wait."""
    call = partial(function, *args, **kwargs)
    return await _run("removals", 2, partial(_with_database, call))


async def probes(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a probe's look at the servers, whatever else is going on."""
    call = partial(function, *args, **kwargs)
    return await _run("probes", 1, partial(_with_database, call))


async def figures(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a scrape's look at everything: a slow one keeps no probe."""
    call = partial(function, *args, **kwargs)
    return await _run("figures", 1, partial(_with_database, call))


async def database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what blocks on the database: at most 8 calls at a time."""
    call = partial(function, *args, **kwargs)
    return await _run("database", 8, partial(_with_database, call))


async def surely(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same, again and again while the database is away. For writes that are safe to repeat."""
    return await again(partial(database, partial(function, *args, **kwargs)))


async def again(function: Callable[[], Awaitable[T]]) -> T:
    """Await what writes to the database, again and again while that is away."""
    return await _again(_is_away, function)


def _is_away(error: Exception) -> bool:
    is_away = isinstance(error, OperationalError | InterfaceError)
    if is_away:
        logger.warning("what must be written is written again: %s", error)
    return is_away


async def storage(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an S3 call: at most 16 at a time."""
    return await _run("storage", 16, partial(function, *args, **kwargs))


class FairTurns:
    """Turns that are fair between lanes, with a queue that is bounded in length and in time.

    Each lane (a tenant) has its own queue; what is free goes to the lane that has fewest, of equals
    to the one that waits longest; at most `per_lane` of `count` to one. Work that finds
    `max_queued` waiting is refused at once with Unavailable, and so is work that has waited longer
    than `max_wait_seconds` when its turn comes; nothing was done for either.
    """

    def __init__(
        self, name: str, *, count: int, per_lane: int, max_queued: float, max_wait_seconds: float
    ) -> None:
        THREADS.labels(name).set(count)
        CALLS.labels(name).set_function(lambda: self._queued + len(self._going))
        self._free = count
        self._per_lane = per_lane
        self._max_queued = max_queued
        self._max_wait_seconds = max_wait_seconds
        self._lanes: OrderedDict[object, Queue] = OrderedDict()
        self._busy: dict[object, int] = {}
        self._queued = 0
        self._going: set[asyncio.Task[Any]] = set()

    async def run(self, lane: object, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Await work in the lane's turn. To be awaited on one event loop only.

        Who is cancelled in the queue leaves it; work that has begun goes on to its end, and keeps
        its turn until then.
        """
        if self._queued >= self._max_queued:
            raise Unavailable("Too many requests are waiting to be admitted.", retry_after=1)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lanes.setdefault(lane, deque()).append((time.monotonic(), turn))
        self._queued += 1
        self._start_next()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back(lane)  # it came at that moment
            raise
        going = asyncio.create_task(work())
        self._going.add(going)
        going.add_done_callback(partial(self._ended, lane))
        return await asyncio.shield(going)

    async def finish(self, *, within_seconds: float) -> None:
        """Wait for what has begun, which may have lost its callers."""
        if self._going:
            await asyncio.wait(self._going, timeout=within_seconds)

    def _start_next(self) -> None:
        while self._free and (lane := self._next_lane()) is not None:
            queue = self._lanes[lane]
            queued_at, turn = queue.popleft()
            self._queued -= 1
            self._lanes.move_to_end(lane)
            if not queue:
                del self._lanes[lane]
            if turn.cancelled():
                continue  # its caller went away
            if time.monotonic() - queued_at > self._max_wait_seconds:
                turn.set_exception(Unavailable("Admission took too long.", retry_after=1))
                continue
            self._free -= 1
            self._busy[lane] = self._busy.get(lane, 0) + 1
            turn.set_result(None)

    def _next_lane(self) -> object | None:
        found, fewest = None, self._per_lane
        for lane in self._lanes:
            busy = self._busy.get(lane, 0)
            if not busy:
                return lane
            if busy < fewest:
                found, fewest = lane, busy
        return found

    def _ended(self, lane: object, going: "asyncio.Task[Any]") -> None:
        self._going.discard(going)
        if not going.cancelled():
            going.exception()  # seen, when nobody waits for it any more, too
        self._give_back(lane)

    def _give_back(self, lane: object) -> None:
        self._free += 1
        self._busy[lane] -= 1
        if not self._busy[lane]:
            del self._busy[lane]
        self._start_next()


class FairPool:
    """A thread pool whose queue is FairTurns."""

    def __init__(
        self, name: str, *, threads: int, per_lane: int, max_queued: float, max_wait_seconds: float
    ) -> None:
        self._threads = Threads(name, threads)
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
        return await _made(self._threads, partial(_with_database, call))


@cache
def conversion() -> FairPool:
    """Where pixels are worked on: two at a time, because it is the one thing that needs memory.

    What is there was paid for, so it waits for as long as it takes.
    """
    return FairPool(
        "conversion", threads=2, per_lane=2, max_queued=math.inf, max_wait_seconds=math.inf
    )


@cache
def references() -> FairPool:
    """Where a process decodes reference images: one at a time, because that needs memory."""
    return FairPool("references", threads=1, per_lane=1, max_queued=400, max_wait_seconds=60)


@cache
def admission() -> FairTurns:
    """Turns to be admitted, of a web process (ADR 0004 has the reasons for their bounds)."""
    return FairTurns("admission", count=6, per_lane=3, max_queued=6000, max_wait_seconds=60)
