"""Waiting for a generation without a thread: futures, wake-ups, and the safety poll.

A waiter registers before its generation is committed, so no wake-up can be missed between the two.
One pub/sub subscription serves the whole process; wake-ups that come within 5 ms of each other are
one read. Pub/sub loses messages, so every 2 s one batch read looks at everything waited for, and
at once after a reconnect.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Self
from uuid import UUID

import redis.asyncio as redis
from django.conf import settings
from redis.exceptions import RedisError

from generation.notify import FINISHED
from generation.selectors import Finished, finished_among
from pictor.kit import ids, pools

logger = logging.getLogger(__name__)

COALESCE_SECONDS = 0.005
POLL_SECONDS = 2.0
RECONNECT_SECONDS = 0.5


class Ticket:
    """One caller's place: a generation id of its own, and the wait for whichever is attached."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._future: asyncio.Future[Finished] | None = None
        self._waits_for: UUID | None = None
        self.id = ids.GenerationId(ids.new_uuid())
        self.watch(self.id)

    def watch(self, generation_id: UUID) -> None:
        """Wait for this generation instead: an idempotency key attached us to an earlier one."""
        self.close()
        self._waits_for = generation_id
        self._future = self._hub.add(generation_id)

    async def wait(self, seconds: float) -> Finished | None:
        """The finished generation, or None when it takes longer."""
        if self._future is None:
            raise RuntimeError("the ticket is closed")
        try:
            async with asyncio.timeout(seconds):
                return await self._future
        except TimeoutError:
            return None

    def close(self) -> None:
        """Give the place up."""
        if self._waits_for is not None and self._future is not None:
            self._hub.remove(self._waits_for, self._future)
        self._waits_for = self._future = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Hub:
    """All waiters of a web process. Lives on its event loop."""

    def __init__(self) -> None:
        self._waiters: dict[UUID, list[asyncio.Future[Finished]]] = {}
        self._woken: set[UUID] = set()
        self._reading: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

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

    def wake(self, generation_ids: Iterable[UUID]) -> None:
        """Look at these soon, together with whatever else is woken until then."""
        self._woken.update(one for one in generation_ids if one in self._waiters)
        if self._woken and (self._reading is None or self._reading.done()):
            self._reading = asyncio.create_task(self._read_woken())

    async def start(self) -> None:
        """Begin to listen and to poll."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._poll())]

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
            for future in self._waiters.pop(finished.generation.id, ()):
                if not future.done():
                    future.set_result(finished)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if self._waiters:
                await self._read(self._waiters)

    async def _listen(self) -> None:
        while True:
            try:
                await self._subscribe()
            except (RedisError, OSError) as error:
                logger.warning("wake-ups interrupted: %s", error)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _subscribe(self) -> None:
        client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_connect_timeout=settings.REDIS_TIMEOUT_SECONDS,
            health_check_interval=5,
        )
        async with client, client.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(FINISHED)
            self.wake(list(self._waiters))  # what was finished while nobody listened
            async for message in subscription.listen():
                self.wake(UUID(text) for text in json.loads(message["data"]))


hub = Hub()
"""The web process's own."""
