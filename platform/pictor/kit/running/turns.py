"""Fair turns between lanes on an event loop, and the metrics of all queues."""

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
"""Waiting calls: the monotonic time of arrival, and the future that resolves at the turn."""


class FairTurns:
    """Turns that are fair between lanes, with queues bounded in length and time.

    Each lane (a tenant) has its own queue. A free turn goes to the lane with the fewest turns, of
    equals to the one that waits longest; a lane has at most `per_lane` of the `count` turns. Work
    is refused with Unavailable at once if `max_queued` calls are waiting, and at its turn if it has
    waited longer than `max_wait_seconds`. Refused work has not begun.
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
        """Await the work when its lane's turn comes. Use from a single event loop.

        A call cancelled in the queue leaves it. Work that has begun runs to its end and keeps its
        turn until then, even if the call is cancelled.
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
                self._give_back(lane)  # the turn came just before the cancellation
            raise
        going = asyncio.create_task(work())
        self._going.add(going)
        going.add_done_callback(partial(self._on_task_end, lane))
        return await asyncio.shield(going)

    async def finish(self, *, within_seconds: float) -> None:
        """Wait for work that has begun, including work whose callers were cancelled."""
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
        best, fewest = None, self._per_lane
        for lane in self._lanes:
            busy = self._busy.get(lane, 0)
            if not busy:
                return lane
            if busy < fewest:
                best, fewest = lane, busy
        return best

    def _on_task_end(self, lane: object, going: "asyncio.Task[Any]") -> None:
        self._going.discard(going)
        if not going.cancelled():
            going.exception()  # read, or asyncio logs it when the caller is gone
        self._give_back(lane)

    def _give_back(self, lane: object) -> None:
        self._free += 1
        self._busy[lane] -= 1
        if not self._busy[lane]:
            del self._busy[lane]
        self._start_next()
