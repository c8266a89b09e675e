"""Writes of one kind that wait, sent together: one pipeline, one transaction, an answer for each.

    HOLDS = Batches("hold")
    await HOLDS.write(tenant_id, lambda: hold_statement(…))

Where none of its kind is under way, a write goes at once and alone. Others wait until it is back;
then at most 64 go together. While the loop is the queue, a batch also keeps its distance from the
one before (`_Pace`). docs/adr/0054 has the measurements.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar

from django.db import Error
from prometheus_client import Histogram

from pictor.kit.database import loop_connections
from pictor.kit.database.loop_connections import LentConnection
from pictor.kit.database.prepared import Statement, is_answer_lost
from pictor.kit.running.per_loop import PerLoop
from pictor.kit.watching.metrics import SHORT

T = TypeVar("T")
Lock = Callable[[Sequence[Any]], Statement[Any]]
"""Makes the statement that locks what a batch's writes will lock, in the order of their ids."""

MOST = 64
"""The most writes of a batch."""
A_BURST = 32
"""Batches of so many writes come in a burst."""
FARTHEST, FARTHEST_IN_A_BURST = 0.04, 0.15
"""The most seconds from the beginning of one batch to the next."""
_PUNCTUAL = 0.002
"""A loop that gets its processor is less late: 1.4 ms at 50 requests a second."""
_STRETCH = 16
"""Seconds between batches for each second that the loop is late."""
_TICK, _NEWEST, _IDLE = 0.02, 0.1, 1.0
"""Seconds between two looks, the newest one's weight, seconds without a write that end them."""
LOCK_TIMEOUT = "100ms"
"""A batch's: whoever holds one tenant's balance holds up nobody else's write for longer."""
_SIZE = Histogram(
    "pictor_batch_writes",
    "Writes sent in one transaction.",
    ["kind"],
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
_WAITED = Histogram(
    "pictor_batch_wait_seconds", "What a write waited to be sent.", ["kind"], buckets=SHORT
)


class _Write(Generic[T]):
    """A write that waits, and its answer.

    `build` makes the statement right before it is sent, perhaps twice; it may raise.
    """

    def __init__(self, owner: Any, subject: object, build: Callable[[], Statement[T]]) -> None:
        loop = asyncio.get_running_loop()
        self.owner = owner
        self.subject = subject
        self.build = build
        self.answer: asyncio.Future[T] = loop.create_future()
        self.since = loop.time()

    def refuse(self, error: BaseException) -> None:
        """Answer with an error, unless its caller is gone."""
        if not self.answer.done():
            if isinstance(error, Exception):
                self.answer.set_exception(error)
            else:  # this loop ends
                self.answer.cancel()


class Batches:
    """The queues of one kind of write, one for each running loop."""

    def __init__(self, kind: str, *, lock: Lock | None = None) -> None:
        self._kind = kind
        self._lock = lock
        self._queues: PerLoop[_Queue] = PerLoop()

    async def write(
        self, owner: Any, build: Callable[[], Statement[T]], *, subject: object = None
    ) -> T:
        """Send a write with the others that wait. Raises as `LentConnection.fetch` does.

        A caller who is cancelled before it is sent leaves the queue; afterwards the write may
        have taken effect.

        Args:
            owner: whose row it locks, such as the tenant; writes are sorted by it.
            build: makes the statement, with values and checks as of when it is sent. After an error
                it is called again.
            subject: the row that the batch locks first.
        """
        pace = await _paces.of("", _Pace)
        queue = await self._queues.of("", lambda: _Queue(self._kind, self._lock, pace))
        return await queue.write(_Write(owner, subject, build))


class _Pace:
    """How late the loop is, a mean of some 0.2 s, taken while writes come.

    A late loop waits for a processor: then time spent waiting costs nobody anything, and larger
    batches free what all of them wait for. A slow database makes no loop late.
    """

    def __init__(self) -> None:
        self._late = 0.0
        self._asked_at = 0.0
        self._tick: asyncio.TimerHandle | None = None

    def distance(self, *, at_most: float) -> float:
        """Seconds from the beginning of one batch to the next."""
        self._asked_at = time.monotonic()
        if self._tick is None:
            self._late = 0.0
            self._wait(self._asked_at)
        return min(max(0.0, self._late - _PUNCTUAL) * _STRETCH, at_most)

    def _wait(self, now: float) -> None:
        loop, due = asyncio.get_running_loop(), now + _TICK
        self._tick = loop.call_later(_TICK, self._look, due)

    def _look(self, due: float) -> None:
        now = time.monotonic()
        self._late += (now - due - self._late) * _NEWEST
        self._tick = None
        if now - self._asked_at < _IDLE:
            self._wait(now)

    async def end(self) -> None:
        """Look no more."""
        if self._tick is not None:
            self._tick.cancel()


_paces: PerLoop[_Pace] = PerLoop()


class _Queue:
    """What waits on one loop: together, or one after another for owners whose batch failed."""

    def __init__(self, kind: str, lock: Lock | None, pace: _Pace) -> None:
        self._lock = lock
        self._pace = pace
        self._began_at = 0.0
        self._farthest = FARTHEST
        self._size, self._waited = _SIZE.labels(kind), _WAITED.labels(kind)
        self._waiting: deque[_Write[Any]] = deque()
        self._apart: dict[object, deque[_Write[Any]]] = {}
        self._is_busy = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, write: _Write[T]) -> T:
        if write.owner in self._apart:
            self._apart[write.owner].append(write)
        elif self._is_busy or self._pause():
            self._waiting.append(write)
            if not self._is_busy:
                self._go_on()
        else:
            return await self._write_at_once(write)
        return await write.answer

    async def _write_at_once(self, write: _Write[T]) -> T:
        self._is_busy = True
        self._began_at = write.since
        try:
            return await self._fetch(write)
        finally:
            self._go_on()

    def _go_on(self) -> None:
        """Begin the next batch of those that wait, at its distance from the one before."""
        self._is_busy = bool(self._waiting)
        if self._is_busy:
            asyncio.get_running_loop().call_later(self._pause(), self._begin)

    def _begin(self) -> None:
        self._began_at = asyncio.get_running_loop().time()
        writes = self._next()
        self._farthest = FARTHEST_IN_A_BURST if len(writes) >= A_BURST else FARTHEST
        self._start(self._write_together(writes))

    def _pause(self) -> float:
        """Seconds until a batch may begin; a full one waits for nothing."""
        if len(self._waiting) >= MOST:
            return 0.0
        due = self._began_at + self._pace.distance(at_most=self._farthest)
        return max(0.0, due - asyncio.get_running_loop().time())

    def _next(self) -> list[_Write[Any]]:
        """Take the oldest that wait, sorted by owner, since each locks its owner's row."""
        chosen: list[_Write[Any]] = []
        while self._waiting and len(chosen) < MOST:
            write = self._waiting.popleft()
            if write.owner in self._apart:
                self._apart[write.owner].append(write)
            elif not write.answer.done():
                chosen.append(write)
        return sorted(chosen, key=lambda write: write.owner)

    async def _write_together(self, writes: Sequence[_Write[Any]]) -> None:
        try:
            if len(writes) == 1:
                await self._write_alone(writes[0])
            elif writes:
                async with loop_connections.one() as connection:
                    await self._send(connection, writes)
        except Error as error:
            if is_answer_lost(error):
                _refuse(writes, error)
            else:
                self._set_apart(writes)
        except BaseException as error:
            _refuse(writes, error)
            raise
        finally:
            self._go_on()

    async def _send(self, connection: LentConnection, writes: Sequence[_Write[Any]]) -> None:
        built = self._with_statement(writes)
        self._note([write for write, _ in built])
        statements = [statement for _, statement in built]
        if self._lock is not None:
            statements.insert(0, self._lock([write.subject for write, _ in built]))
        rows = await connection.fetch_together(statements, lock_timeout=LOCK_TIMEOUT)
        for (write, statement), row in zip(built, rows[-len(built) :], strict=True):
            if write.answer.done():
                continue
            try:
                write.answer.set_result(statement.read(row))
            except Exception as error:  # noqa: BLE001 - whatever it is, its caller answers it
                write.refuse(error)

    def _with_statement(
        self, writes: Sequence[_Write[Any]]
    ) -> list[tuple[_Write[Any], Statement[Any]]]:
        built = []
        for write in writes:
            try:
                built.append((write, write.build()))
            except Exception as error:  # noqa: BLE001 - whatever it is, its caller answers it
                write.refuse(error)
        return built

    def _set_apart(self, writes: Sequence[_Write[Any]]) -> None:
        """Send the writes of a refused batch one by one, each owner's on another connection."""
        for owner, of_owner in groupby(writes, key=lambda write: write.owner):
            self._apart[owner] = deque(of_owner)
            self._start(self._write_one_by_one(owner))

    async def _write_one_by_one(self, owner: object) -> None:
        try:
            while self._apart[owner]:
                await self._write_alone(self._apart[owner].popleft())
        finally:
            _refuse(self._apart.pop(owner), asyncio.CancelledError())

    async def _write_alone(self, write: _Write[Any]) -> None:
        if write.answer.done():
            return
        try:
            answer = await self._fetch(write)
        except BaseException as error:
            write.refuse(error)
            if not isinstance(error, Exception):
                raise
        else:
            if not write.answer.done():
                write.answer.set_result(answer)

    async def _fetch(self, write: _Write[T]) -> T:
        async with loop_connections.one() as connection:
            self._note([write])
            return await connection.fetch(write.build())

    def _note(self, writes: Sequence[_Write[Any]]) -> None:
        now = asyncio.get_running_loop().time()
        self._size.observe(len(writes))
        for write in writes:
            self._waited.observe(now - write.since)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Give up what has not been answered: the loop ends."""
        for task in self._tasks:
            task.cancel()


def _refuse(writes: Sequence[_Write[Any]], error: BaseException) -> None:
    for write in writes:
        write.refuse(error)
