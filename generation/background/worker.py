"""The image worker's one asyncio loop: slots, lease, drain.

Celery's consumer only hands doorbells over; every upstream call of the process waits on this loop,
at some 21 KB each (docs/benchmarks.md). A heartbeat thread of its own renews the lease, so that a
full database pool cannot let it run out, and looks for generations whose doorbell nobody heard:
with the broker down, work is merely found a few seconds later.

Loop and heartbeat listen to each other. The process ends when one of them is gone or has hung,
because it would go on taking messages and do nothing with them.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Collection
from contextlib import closing
from uuid import UUID

import uvloop
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import Gauge

from generation import attempts, claims, lease, notify, pipeline
from generation.background import doorbell
from generation.background.quarantine import Quarantine
from generation.claims import Claim
from generation.dispatch.service import Dispatcher
from generation.lease import WorkerEpoch
from generation.notify import Ring
from pictor.kit import clock, loop_connections, vital
from pictor.kit.http_pools import HttpPools
from pictor.kit.spools import process_spools

logger = logging.getLogger(__name__)

SLOTS = Gauge("pictor_worker_slots", "How many generations a worker may have in hand.")
SLOTS_USED = Gauge("pictor_worker_slots_used", "How many it has, without those in quarantine.")

UNHEARD_SECONDS = 5.0
"""A generation queued for this long is found in the database: nobody heard its doorbell."""
UNHEARD_BATCH = 500
SILENT_SECONDS = 60.0
"""A loop or a heartbeat that has not been heard for this long has hung, and the process ends."""
LISTEN_SECONDS = 10.0
"""The loop looks this often whether the heartbeat still beats."""
LOOK_SECONDS = 1.0
"""A message that waits for a slot looks this often whether the worker is stopping."""
IDLE_LIMIT_SECONDS = 60.0
"""A worker whose loop begins nothing for this long while rows wait is broken, and ends."""


class ImageWorker:
    """One image worker process: its loop, its lease and what it has in hand."""

    threads: tuple[threading.Thread, ...] = ()
    _loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(settings.WORKER_SLOTS)
        SLOTS.set(settings.WORKER_SLOTS)
        SLOTS_USED.set_function(lambda: len(self._in_hand))
        self._in_hand: dict[asyncio.Task[None], UUID] = {}
        self._dispatcher: Dispatcher | None = None
        self._epoch: WorkerEpoch | None = None
        self._quarantine: Quarantine | None = None
        self._is_stopping = threading.Event()
        self._is_retired = threading.Event()
        self._began_at = 0.0
        self._loop_heard_at = self._beat_at = time.monotonic()
        self._renewed_at = time.monotonic()
        self._unheard_since: float | None = None

    def start(self) -> None:
        """Take up the lease, then the loop and the heartbeat. Raises DatabaseError without one."""
        self._epoch = lease.enlist()
        self._quarantine = Quarantine(
            worker=self._epoch, carry=self._carry_claimed, is_stopping=self._is_stopping
        )
        self._loop = uvloop.new_event_loop()
        self._loop_heard_at = self._beat_at = self._renewed_at = time.monotonic()
        self.threads = (
            vital.start_thread("image-loop", self._run_loop, is_over=self._is_retired.is_set),
            vital.start_thread("heartbeat", self._heartbeat, is_over=self._is_retired.is_set),
        )
        logger.info("image worker %s has %d slots", self._epoch, settings.WORKER_SLOTS)

    def accept(self, ring: Ring) -> None:
        """Take a slot (waiting for one) and hand the generation to the loop."""
        if self._is_stopping.is_set():
            return
        while not self._slots.acquire(timeout=LOOK_SECONDS):
            if self._is_stopping.is_set():  # whoever waits for a slot must not hold the stop up
                return
        self._loop.call_soon_threadsafe(self._begin, ring)

    def stop_claiming(self) -> None:
        """Claim nothing more; what is in hand goes on."""
        self._is_stopping.set()

    def drain(self) -> None:
        """Finish what is in hand within the drain window and hand back the rest."""
        self.stop_claiming()
        ends_at = time.monotonic() + settings.DRAIN_SECONDS
        while self._ids_in_hand() and time.monotonic() < ends_at:
            time.sleep(0.05)
        if self._epoch is not None:
            self._is_retired.set()
            connection.close()  # unused since the start, it may have died with its server
            lease.retire(worker=self._epoch)
            handed_back = _hand_back(self._epoch)
            logger.info("image worker drained, %d handed back", handed_back)
            self._loop.call_soon_threadsafe(self._loop.stop)

    # --- on the loop --------------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._listen()
        with closing(self._loop):
            lane = self._loop.create_task(self._begin_quarantine())
            self._loop.run_forever()
            lane.result().cancel()
            self._loop.run_until_complete(asyncio.wait([lane.result()]))
            loop_connections.finish()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    async def _begin_quarantine(self) -> asyncio.Task[None]:
        assert self._quarantine is not None  # noqa: S101 - start() makes it
        return vital.start_task("quarantine", self._quarantine.run())

    def _listen(self) -> None:
        """Is the heartbeat still there? Asked again and again, until the worker has retired."""
        if self._is_retired.is_set():
            return
        if time.monotonic() - self._beat_at > SILENT_SECONDS:
            vital.end_process("its heartbeat has hung")
        self._loop.call_later(LISTEN_SECONDS, self._listen)

    def _be_heard(self) -> None:
        self._loop_heard_at = time.monotonic()

    def _begin(self, ring: Ring) -> None:
        self._began_at = time.monotonic()
        task = self._loop.create_task(self._carry(ring))
        self._in_hand[task] = ring.generation_id
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._in_hand.pop(task, None)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()):
            logger.error("work on a generation broke off", exc_info=error)

    async def _carry(self, ring: Ring) -> None:
        if self._is_stopping.is_set() or self._epoch is None:
            return
        await pipeline.run(ring=ring, worker=self._epoch, dispatcher=self._the_dispatcher())

    async def _carry_claimed(self, claim: Claim) -> None:
        await pipeline.carry(claim, dispatcher=self._the_dispatcher())

    def _the_dispatcher(self) -> Dispatcher:
        """Made on first use, on the loop."""
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(
                http=HttpPools(), allow=settings.EGRESS_ALLOW, spools=process_spools()
            )
        return self._dispatcher

    def _ids_in_hand(self) -> set[UUID]:
        """Asked by other threads: each is copied at once, before the loop changes it again."""
        quarantined = [] if self._quarantine is None else list(self._quarantine.in_hand)
        in_hand = list(self._in_hand.values())
        return {*in_hand, *quarantined}

    # --- the heartbeat's thread ---------------------------------------------------------------

    def _heartbeat(self) -> None:
        with closing(connection):
            self._beat_until_retired()

    def _beat_until_retired(self) -> None:
        while not self._is_retired.wait(settings.HEARTBEAT_SECONDS):
            self._beat_at = now = time.monotonic()
            if now - self._loop_heard_at > SILENT_SECONDS:
                vital.end_process("its loop has hung")
            self._loop.call_soon_threadsafe(self._be_heard)
            try:
                self._beat()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the lease could not be renewed: %s", error)
                connection.close()

    def _beat(self) -> None:
        if self._epoch is None or self._quarantine is None:
            return
        began = time.monotonic()
        # Also while draining: what is in hand stays ours.
        if not lease.renew(worker=self._epoch) and not self._is_retired.is_set():
            vital.end_process("its lease is gone")  # as after a restore: it could claim nothing
        if began - self._renewed_at > settings.LEASE_SECONDS / 2:
            claims.acquit(worker=self._epoch)
        self._renewed_at = began
        with self._quarantine.changing:
            self._give_up_what_was_let_go(self._epoch)
        self._loop.call_soon_threadsafe(self._quarantine.look)
        if not self._is_stopping.is_set():
            self._look_for_unheard(now=time.monotonic())

    def _give_up_what_was_let_go(self, worker: WorkerEpoch) -> None:
        """Queue again what is recorded as ours and nobody works on.

        A claim whose answer was lost with the connection, or an error that nobody foresaw: with
        our lease renewed, the reaper would wait for its deadline. What is in hand is looked at
        second, so that what was claimed or ended in between is not mistaken for let go.
        """
        ours = claims.running_under(worker)
        in_hand = self._ids_in_hand()
        let_go = [generation_id for generation_id in ours if generation_id not in in_hand]
        if let_go and (count := _hand_back(worker, only=let_go)):
            logger.warning("%d that nobody works on are queued again", count)

    def _look_for_unheard(self, *, now: float) -> None:
        waiting = claims.waiting(longer_than_seconds=UNHEARD_SECONDS, limit=UNHEARD_BATCH)
        in_hand = self._ids_in_hand()  # those are heard, and wait to be claimed
        unheard = [generation_id for generation_id in waiting if generation_id not in in_hand]
        for generation_id in unheard:
            if not self._slots.acquire(blocking=False):
                return
            self._loop.call_soon_threadsafe(self._begin, Ring(generation_id))
        if not unheard or self._unheard_since is None or self._began_at > self._unheard_since:
            self._unheard_since = now if unheard else None
        elif now - self._unheard_since > IDLE_LIMIT_SECONDS:
            vital.end_process("generations wait and its loop begins none")


def _hand_back(worker: WorkerEpoch, *, only: Collection[UUID] | None = None) -> int:
    """Queue them again, close their attempts and ring; how many still were this worker's."""
    handed_back = claims.hand_back(worker=worker, only=only)
    attempts.cut_off(generation_ids=handed_back, now=clock.now())
    notify.ring_all(handed_back)
    return len(handed_back)


_worker: ImageWorker | None = None


def start() -> None:
    """Make this process an image worker."""
    global _worker  # noqa: PLW0603 - one worker a process
    _worker = ImageWorker()
    _worker.start()
    doorbell.answered_by(_worker.accept)


def stop() -> None:
    """The first half of a shutdown: nothing more is claimed."""
    if _worker is not None:
        _worker.stop_claiming()


def drain() -> None:
    """The second half: finish or hand back."""
    if _worker is not None:
        _worker.drain()
