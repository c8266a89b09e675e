"""Waiting for a generation without a thread: futures, wake-ups, and the safety poll.

A waiter registers before its generation is committed, so no wake-up can be missed between the two.
One pub/sub subscription serves the whole process. A wake-up brings the data of the answer; those
that only name ids and come within 5 ms of each other share one read. Pub/sub loses messages, so
every 2 s, and at once after a reconnect or an unreadable wake-up, one batch read looks for every
awaited generation.

The same subscription brings partial images. Only the ticket of a caller who streams collects them:
each place once, in order of arrival, and none after the generation has finished. Those that come
before the caller begins to follow are kept until then. No poll looks for them: a lost one is simply
left out.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Iterable
from uuid import UUID

from prometheus_client import Gauge
from redis.exceptions import RedisError

from generation.lifecycle.notify import FINISHED
from generation.lifecycle.partial_news import PARTIALS, PartialImage
from generation.lifecycle.wakeups import read_wakeup
from generation.selectors import Finished, finished_among
from pictor.kit.database import pools
from pictor.kit.redis import client as redis_client
from pictor.kit.running import vital
from pictor.kit.words import ids

logger = logging.getLogger(__name__)

WAITED_FOR = Gauge("pictor_waited_for", "Generations that callers of a web process wait for.")

COALESCE_SECONDS = 0.005
POLL_SECONDS = 2.0
RECONNECT_SECONDS = 0.5
_PARTIALS = PARTIALS.encode()
MAX_PARTIALS = 30
"""Per caller: three of each of ten images."""


class Previews:
    """One caller's partial images that are not sent yet."""

    def __init__(self, finished: asyncio.Future[Finished]) -> None:
        self.changed = asyncio.Event()
        self._finished = finished
        self._places: set[tuple[int, int]] = set()
        self._waiting: deque[PartialImage] = deque()
        finished.add_done_callback(lambda _: self.changed.set())

    def offer(self, partial: PartialImage) -> None:
        """Keep it, unless its place was filled before or the generation has finished."""
        place = (partial.image, partial.index)
        if self._finished.done() or place in self._places or len(self._places) >= MAX_PARTIALS:
            return
        self._places.add(place)
        self._waiting.append(partial)
        self.changed.set()

    def next(self) -> PartialImage | None:
        """The oldest one; None when there is none now."""
        if self._waiting:
            return self._waiting.popleft()
        if not self._finished.done():
            self.changed.clear()
        return None


class Ticket:
    """One caller's place: a new generation id, and the wait for that or another generation."""

    _previews: Previews | None = None  # set once it follows; most tickets never do

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._future: asyncio.Future[Finished] | None = None
        self._waits_for: UUID | None = None
        self.id = ids.GenerationId(ids.new_uuid())
        self.watch(self.id)

    def watch(self, generation_id: UUID) -> None:
        """Wait for this generation: its own, or an earlier one found by a key or a retry."""
        if generation_id == self._waits_for:
            return
        self.close()
        self._waits_for = generation_id
        self._future = self._hub.add(generation_id)

    async def wait(self, seconds: float) -> Finished | None:
        """The finished generation, or None if it takes longer."""
        if self._future is None:
            raise RuntimeError("the ticket is closed")
        try:
            async with asyncio.timeout(seconds):
                return await self._future
        except TimeoutError:
            return None

    def follow(self) -> None:
        """Collect the generation's partial images from now on; `news` gives them."""
        if self._future is None or self._waits_for is None:
            raise RuntimeError("the ticket is closed")
        self._previews = self._hub.follow(self._waits_for, self._future)

    async def news(self, seconds: float) -> Finished | PartialImage | None:
        """The next partial image, then the finished generation; None if nothing comes in time."""
        previews, future = self._previews, self._future
        if previews is None or future is None:
            raise RuntimeError("the ticket follows nothing")
        try:
            async with asyncio.timeout(seconds):
                while True:
                    partial = previews.next()
                    if partial is not None:
                        return partial
                    if future.done():
                        return future.result()
                    await previews.changed.wait()
        except TimeoutError:
            return None

    def close(self) -> None:
        """Give the place up."""
        if self._waits_for is not None and self._future is not None:
            self._hub.remove(self._waits_for, self._future)
        if self._waits_for is not None and self._previews is not None:
            self._hub.unfollow(self._waits_for, self._previews)
            self._previews = None
        self._waits_for = self._future = None


class Hub:
    """All waiters of a web process. Lives on its event loop."""

    def __init__(self) -> None:
        self._waiters: dict[UUID, list[asyncio.Future[Finished]]] = {}
        self._followers: dict[UUID, list[Previews]] = {}
        self._early: dict[UUID, list[PartialImage]] = {}
        """Partial images that came before any waiter for their generation follows it."""
        self._woken: set[UUID] = set()
        self._reading: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._trouble = ""
        self._unread: set[str] = set()

    def ticket(self) -> Ticket:
        """A new place, already watching its own new id."""
        return Ticket(self)

    def add(self, generation_id: UUID) -> asyncio.Future[Finished]:
        """A future for the finished generation."""
        future: asyncio.Future[Finished] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(generation_id, []).append(future)
        return future

    def remove(self, generation_id: UUID, future: asyncio.Future[Finished]) -> None:
        """Forget a future."""
        waiting = self._waiters.get(generation_id, [])
        with contextlib.suppress(ValueError):
            waiting.remove(future)
        if not waiting:
            self._waiters.pop(generation_id, None)
            self._early.pop(generation_id, None)

    def follow(self, generation_id: UUID, finished: "asyncio.Future[Finished]") -> Previews:
        """Collect the generation's partial images until it has finished."""
        previews = Previews(finished)
        self._followers.setdefault(generation_id, []).append(previews)
        for partial in self._early.pop(generation_id, ()):
            previews.offer(partial)
        return previews

    def unfollow(self, generation_id: UUID, previews: Previews) -> None:
        """Forget it."""
        following = self._followers.get(generation_id, [])
        with contextlib.suppress(ValueError):
            following.remove(previews)
        if not following:
            self._followers.pop(generation_id, None)

    def show(self, message: str | bytes) -> None:
        """Offer an announced partial image to the followers of its generation."""
        try:
            partial = PartialImage.from_json(message)
            generation_id = partial.generation
        except (ValueError, TypeError, KeyError, AttributeError):
            self._say_unread("an announced partial image", message)
            return
        following = self._followers.get(generation_id, ())
        for previews in following:
            previews.offer(partial)
        if not following and generation_id in self._waiters:
            early = self._early.setdefault(generation_id, [])
            if len(early) < MAX_PARTIALS:
                early.append(partial)

    def wake(self, generation_ids: Iterable[UUID]) -> None:
        """Read these soon, in one batch with others woken until then."""
        self._woken.update(
            generation_id for generation_id in generation_ids if generation_id in self._waiters
        )
        if self._woken and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read_woken())

    def finish(self, finished: Finished) -> None:
        """Give it to all who wait for it."""
        self._early.pop(finished.generation.id, None)
        for future in self._waiters.pop(finished.generation.id, ()):
            if not future.done():
                future.set_result(finished)

    async def start(self) -> None:
        """Begin to listen and to poll."""
        WAITED_FOR.set_function(lambda: len(self._waiters))
        self._tasks = [
            vital.start_task("wake-ups", self._listen()),
            vital.start_task("poll", self._poll()),
        ]

    async def stop(self) -> None:
        """End listening and polling."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read_woken(self) -> None:
        while self._woken:
            await asyncio.sleep(COALESCE_SECONDS)
            batch, self._woken = self._woken, set()
            await self._read(batch)

    async def _read(self, generation_ids: Iterable[UUID]) -> None:
        batch = list(generation_ids)
        try:
            found = await pools.views(finished_among, batch)
        except Exception:
            logger.exception("finished generations could not be read; the poll tries again")
            return
        for finished in found:
            self.finish(finished)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self._waiters:
                await self._read(self._waiters)

    async def _listen(self) -> None:
        while True:
            try:
                await redis_client.listen(FINISHED, PARTIALS, hear=self._hear, begun=self._begin)
            except (RedisError, OSError) as error:
                self._say(f"no wake-ups, as Redis cannot be subscribed to: {error}")
            except Exception:  # the poll goes on meanwhile, so waiters are not lost
                logger.exception("wake-ups interrupted")
            await asyncio.sleep(RECONNECT_SECONDS)

    def _say(self, trouble: str) -> None:
        """Log a failure to subscribe once, and not for each try."""
        if trouble != self._trouble:
            self._trouble = trouble
            logger.warning("%s", trouble)

    def _begin(self) -> None:
        if self._trouble:
            logger.info("wake-ups arrive again")
            self._trouble = ""
        self.wake(list(self._waiters))  # they may have finished while nobody listened

    def _hear(self, channel: bytes, message: bytes) -> None:
        if channel == _PARTIALS:
            self.show(message)
        else:
            self._wake_named(message)

    def _wake_named(self, message: str | bytes) -> None:
        wakeup = read_wakeup(message)
        for finished in wakeup.finished:
            self.finish(finished)
        if wakeup.is_clear:
            self.wake(wakeup.ids)
        else:
            self._say_unread("a wake-up", message)
            self.wake(list(self._waiters))

    def _say_unread(self, what: str, message: str | bytes) -> None:
        """Log it once: another release may send every message in a form unknown here."""
        if what not in self._unread:
            self._unread.add(what)
            logger.warning("%s cannot be read: %r", what, message[:200])


hub = Hub()
"""The web process's own."""
