"""Turns that are fair between lanes, on an event loop; the figures of all that queues."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeAlias, TypeVar

from prometheus_client import Gauge

from pictor.kit.words.errors import Unavailable

CALLS = Gauge("pictor_pool_calls", "Calls of a pool, waiting or running.", ["pool"])
THREADS = Gauge(
    "pictor_pool_threads",
    "Threads of a pool, connections of the loop, or turns: calls beyond them wait.",
    ["pool"],
)

T = TypeVar("T")
Queue: TypeAlias = "deque[tuple[float, asyncio.Future[None]]]"
"""Who waits for a turn: since when, and the future that says that it has come."""


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
