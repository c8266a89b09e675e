"""Writes of one kind that wait, sent together: one transaction, an answer for each.

    HOLDS = Batches("hold", holds_statement)
    await HOLDS.write(tenant_id, lambda: Placing(…))

Where none of its kind is under way, a write goes at once and alone. Others wait until it is back;
then at most 64 go together. While the loop is the queue, a batch also keeps its distance from the
one before (`_Pace`). docs/adr/0064 has the measurements.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence, Sized
from itertools import groupby
from typing import Any, Generic, TypeVar

from django.db import Error
from prometheus_client import Histogram

from pictor.kit.database import loop_connections
from pictor.kit.database.loop_connections import LentConnection
from pictor.kit.database.prepared import SetStatement, is_undone
from pictor.kit.running.per_loop import PerLoop

S = TypeVar("S")
T = TypeVar("T")

MOST, MOST_CHARACTERS = 64, 500_000
"""The most writes of a batch; one whose callers' texts have so many characters is full, too."""
A_BURST = 33
"""Batches of so many writes come in a burst, of more than one tenant."""
FARTHEST, FARTHEST_IN_A_BURST = 0.04, 0.15
"""The most seconds from the beginning of one batch to the next."""
_PUNCTUAL = 0.0005
"""A loop that gets its processor is less late: 0.3 to 0.4 ms at 50 requests a second."""
_STRETCH = 200
"""Seconds between batches for each second that the loop is late."""
_TICK, _IDLE = 0.05, 1.0
"""Seconds between two looks, and without a write that end them."""
_FIRST, _NEWEST = 0.2, 0.025
"""The weight of the first look after a pause, and the least weight of the newest."""
_MOST_LATE = 0.004
"""What one look counts for at most: a lone job that takes the processor is no queue."""
PATIENCE = 0.1
"""Seconds: whoever holds one tenant's lock holds up nobody else's write for longer."""
_SIZE = Histogram(
    "pictor_batch_writes",
    "Writes sent in one transaction.",
    ["kind"],
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
_WAITED = Histogram(
    "pictor_batch_wait_seconds",
    "What a write waited to be sent.",
    ["kind"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3),
)


def lock_timeout(subjects: Sized) -> str | None:
    """How long a batch waits for a lock; who is alone waits as anybody does."""
    return f"{PATIENCE}s" if len(subjects) > 1 else None


class Batches(Generic[S, T]):
    """The queues of one kind of write, one for each running loop.

    Args:
        kind: its name in metrics.
        statement: makes the statement that writes a set, at least one, as a transaction; its result
            has the answer or refusal of each, in order.
    """

    def __init__(
        self,
        kind: str,
        statement: Callable[[Sequence[S]], SetStatement[Sequence[T | Exception]]],
    ) -> None:
        self.size = _SIZE.labels(kind)
        self.waited = _WAITED.labels(kind)
        self._statement = statement
        self._queues: PerLoop[_Queue[S, T]] = PerLoop()

    async def write(self, owner: Any, make: Callable[[], S], *, characters: int = 0) -> T:
        """Send a write with the others that wait. Raises as `LentConnection.fetch` does.

        A caller who is cancelled before it is sent leaves the queue; afterwards the write may
        have taken effect.

        Args:
            owner: whose row it locks, such as the tenant; writes are sorted by it.
            make: makes what is written, right before it is sent, so that its checks and times are
                fresh; after an error of the batch it is made again. It may raise.
            characters: the length of the text in it that a caller chose.
        """
        pace = await _paces.of("", _Pace)
        queue = await self._queues.of("", lambda: _Queue(self, pace))
        return await queue.write(_Write(owner, make, characters))

    async def send(
        self, connection: LentConnection, makes: Iterable[Callable[[], S]]
    ) -> list[T | Exception]:
        """Write all in one transaction; return the answer or refusal of each, in order."""
        made = [_outcome(make) for make in makes]
        subjects = [one for one in made if not isinstance(one, Exception)]
        answers = await connection.fetch_set(self._statement(subjects)) if subjects else ()
        of_subjects = iter(answers)
        return [one if isinstance(one, Exception) else next(of_subjects) for one in made]


def _outcome(make: Callable[[], S]) -> S | Exception:
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - its caller is told, and nobody else
        return error


class _Write(Generic[S, T]):
    """A write that waits, and its answer."""

    def __init__(self, owner: Any, make: Callable[[], S], characters: int) -> None:
        loop = asyncio.get_running_loop()
        self.owner = owner
        self.make = make
        self.characters = characters
        self.answer: asyncio.Future[T] = loop.create_future()
        self.since = loop.time()

    def end(self, outcome: T | BaseException) -> None:
        """Answer, unless the caller is gone."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        elif isinstance(outcome, BaseException):  # this loop ends
            self.answer.cancel()
        else:
            self.answer.set_result(outcome)


class _Pace:
    """How late the loop is, a mean of some 2 s, taken while writes come.

    A late loop waits for a processor: then time spent waiting costs nobody anything, and larger
    batches free what all of them wait for. A slow database makes no loop late.
    """

    def __init__(self) -> None:
        self._late = 0.0
        self._newest = 0.0
        self._asked_at = 0.0
        self._tick: asyncio.TimerHandle | None = None

    def distance(self, *, at_most: float) -> float:
        """Seconds from the beginning of one batch to the next."""
        self._asked_at = time.monotonic()
        if self._tick is None:
            self._late, self._newest = 0.0, _FIRST
            self._wait(self._asked_at)
        return min(max(0.0, self._late - _PUNCTUAL) * _STRETCH, at_most)

    def _wait(self, now: float) -> None:
        loop, due = asyncio.get_running_loop(), now + _TICK
        self._tick = loop.call_later(_TICK, self._look, due)

    def _look(self, due: float) -> None:
        now = time.monotonic()
        self._late += (min(now - due, _MOST_LATE) - self._late) * self._newest
        self._newest = max(_NEWEST, self._newest / (1 + self._newest))  # as of a plain mean
        self._tick = None
        if now - self._asked_at < _IDLE:
            self._wait(now)

    async def end(self) -> None:
        """Look no more."""
        if self._tick is not None:
            self._tick.cancel()


_paces: PerLoop[_Pace] = PerLoop()


class _Queue(Generic[S, T]):
    """What waits on one loop: together, or one after another for owners whose batch failed."""

    def __init__(self, batches: Batches[S, T], pace: _Pace) -> None:
        self._batches = batches
        self._pace = pace
        self._began_at = 0.0
        self._farthest = FARTHEST
        self._waiting: deque[_Write[S, T]] = deque()
        self._apart: dict[object, deque[_Write[S, T]]] = {}
        self._is_busy = False
        self._next_begins: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, write: _Write[S, T]) -> T:
        if write.owner in self._apart:
            self._apart[write.owner].append(write)
        elif self._is_busy or self._pause():
            self._waiting.append(write)
            if not self._is_busy or (self._next_begins and len(self._waiting) >= MOST):
                self._go_on()
        else:
            self._is_busy = True
            self._began_at = write.since
            return await self._alone_or_aside(write)
        return await write.answer

    async def _alone_or_aside(self, write: _Write[S, T]) -> T:
        """Send one write. If it is not soon back, the others go on without its owner's."""
        timer = asyncio.get_running_loop().call_later(PATIENCE, self._step_aside, write.owner)
        try:
            return await self._alone(write)
        finally:
            timer.cancel()
            if write.owner in self._apart:
                self._come_back(write.owner)
            else:
                self._go_on()

    def _step_aside(self, owner: object) -> None:
        self._apart[owner] = deque()
        self._go_on()

    def _come_back(self, owner: object) -> None:
        """Let an owner's later writes go with the others again."""
        self._waiting.extendleft(reversed(self._apart.pop(owner)))
        if not self._is_busy:
            self._go_on()

    def _go_on(self) -> None:
        """Begin the next batch of those that wait, at its distance from the one before."""
        if self._next_begins is not None:
            self._next_begins.cancel()
            self._next_begins = None
        self._is_busy = bool(self._waiting)
        if self._is_busy:
            loop = asyncio.get_running_loop()
            self._next_begins = loop.call_later(self._pause(), self._begin)

    def _begin(self) -> None:
        self._next_begins = None
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

    def _next(self) -> list[_Write[S, T]]:
        """Take the oldest that wait, sorted by owner, since each locks its owner's row."""
        chosen: list[_Write[S, T]] = []
        characters = 0
        while self._waiting and len(chosen) < MOST and characters < MOST_CHARACTERS:
            write = self._waiting.popleft()
            characters += write.characters
            if write.owner in self._apart:
                self._apart[write.owner].append(write)
            elif not write.answer.done():
                chosen.append(write)
        return sorted(chosen, key=lambda write: write.owner)

    async def _write_together(self, writes: Sequence[_Write[S, T]]) -> None:
        if len(writes) == 1:
            await self._end(writes[0], self._alone_or_aside)
            return
        try:
            await self._end_together(writes)
        except Error as error:
            if is_undone(error):
                self._set_apart(writes)
            else:
                _end_all(writes, error)
        except BaseException as error:
            _end_all(writes, error)
            raise
        finally:
            self._go_on()

    async def _end_together(self, writes: Sequence[_Write[S, T]]) -> None:
        async with loop_connections.one() as connection:
            writes = [write for write in writes if not write.answer.done()]
            self._note(writes)
            outcomes = await self._batches.send(connection, [write.make for write in writes])
        for write, outcome in zip(writes, outcomes, strict=True):
            write.end(outcome)

    def _set_apart(self, writes: Sequence[_Write[S, T]]) -> None:
        """Send the writes of a refused batch one by one, each owner's on another connection."""
        for owner, of_owner in groupby(writes, key=lambda write: write.owner):
            self._apart[owner] = deque()
            self._start(self._write_one_by_one(owner, list(of_owner)))

    async def _write_one_by_one(self, owner: object, writes: Sequence[_Write[S, T]]) -> None:
        try:
            for write in writes:
                await self._end(write, self._alone)
        finally:
            self._come_back(owner)

    async def _end(
        self, write: _Write[S, T], send: Callable[[_Write[S, T]], Coroutine[Any, Any, T]]
    ) -> None:
        try:
            write.end(await send(write))
        except Exception as error:  # noqa: BLE001 - its caller is told, and nobody else
            write.end(error)
        except BaseException as error:
            write.end(error)
            raise

    async def _alone(self, write: _Write[S, T]) -> T:
        async with loop_connections.one() as connection:
            self._note([write])
            (answer,) = await self._batches.send(connection, [write.make])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _note(self, writes: Sequence[_Write[S, T]]) -> None:
        now = asyncio.get_running_loop().time()
        self._batches.size.observe(len(writes))
        for write in writes:
            self._batches.waited.observe(now - write.since)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def end(self) -> None:
        """Give up what has not been answered: the loop ends."""
        for task in self._tasks:
            task.cancel()


def _end_all(writes: Iterable[_Write[S, T]], error: BaseException) -> None:
    for write in writes:
        write.end(error)
