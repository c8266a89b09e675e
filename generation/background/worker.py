"""The image worker's one asyncio loop: slots, lease, drain.

Celery's consumer only hands over doorbells; every upstream call of the process waits on this loop,
at some 21 KB each (docs/benchmarks.md). A separate heartbeat thread renews the lease, so that a
full database pool cannot let it run out, and looks for generations with a lost doorbell: with the
broker down, work is merely found a few seconds later.

Loop and heartbeat watch each other. The process ends if one of them is gone or hangs, because it
would go on taking messages and do nothing with them.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Iterable
from contextlib import closing
from functools import partial
from uuid import UUID

import uvloop
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from prometheus_client import Gauge

from generation import pipeline
from generation.background import doorbell
from generation.background.quarantine import Quarantine
from generation.background.queued import waiting
from generation.background.slots import Slots
from generation.catalogue.traffic.open_breakers import BreakerPause
from generation.dispatch.service import Dispatcher
from generation.dispatch.storage_gate import Gate
from generation.lifecycle import attempts, claims, lease, notify
from generation.lifecycle.claims import Claim, Queued
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.notify import Ring
from pictor.kit.bytes.spools import process_spools
from pictor.kit.database import pools
from pictor.kit.outbound.http_pools import HttpPools
from pictor.kit.running import vital
from pictor.kit.words import clock
from storage.services import StorageFailed, prove

logger = logging.getLogger(__name__)

SLOTS = Gauge("pictor_worker_slots", "How many generations a worker may have in hand.")
SLOTS_USED = Gauge("pictor_worker_slots_used", "How many it has, without those in quarantine.")

FILL_SECONDS = 0.1
"""Freed slots are filled from the database at most this often."""
SILENT_SECONDS = 60.0
"""The process ends if loop or heartbeat were silent for this long."""
LISTEN_SECONDS = 10.0
"""The interval at which the loop checks the heartbeat."""
PROBE_SECONDS = 1.0
"""The interval at which storage is tried while the gate is closed."""
SAID_SECONDS = 30.0
"""The interval at which the log repeats the reason for the closed gate."""
LOOK_SECONDS = 1.0
"""The interval at which a message that waits for a slot checks for a shutdown."""
IDLE_LIMIT_SECONDS = 60.0
"""A worker that begins nothing for this long while rows wait is broken, and ends."""


class ImageWorker:
    """One image worker process: its loop, its lease and its generations in hand."""

    threads: tuple[threading.Thread, ...] = ()
    _loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        self._slots = Slots(settings.WORKER_SLOTS)
        self._slots.limit(0)  # until the gate is open
        self._gate = Gate(self._gate_moved)
        self._gate_closed = asyncio.Event()
        SLOTS.set(settings.WORKER_SLOTS)
        SLOTS_USED.set_function(lambda: len(self._in_hand))
        self._in_hand: dict[UUID, asyncio.Task[None]] = {}
        self._dispatcher: Dispatcher | None = None
        self._epoch: WorkerEpoch | None = None
        self._quarantine: Quarantine | None = None
        self._is_stopping = threading.Event()
        self._is_retired = threading.Event()
        self._may_fill = asyncio.Event()
        self._began_at = 0.0
        self._loop_heard_at = self._beat_at = time.monotonic()
        self._renewed_at = time.monotonic()
        self._unheard_since: float | None = None

    def start(self) -> None:
        """Take up the lease, then the loop and the heartbeat. Raises DatabaseError without one."""
        self._epoch = lease.enlist()
        self._quarantine = Quarantine(
            worker=self._epoch,
            in_slots=self._slots.of_tenants,
            carry=self._carry_claimed,
            may_claim=lambda: self._gate.is_open and not self._is_stopping.is_set(),
        )
        self._loop = uvloop.new_event_loop()
        self._loop_heard_at = self._beat_at = self._renewed_at = time.monotonic()
        self.threads = (
            vital.start_thread("image-loop", self._run_loop, is_over=self._is_retired.is_set),
            vital.start_thread("heartbeat", self._heartbeat, is_over=self._is_retired.is_set),
        )
        logger.info("image worker %s has %d slots", self._epoch, settings.WORKER_SLOTS)

    def accept(self, ring: Ring) -> None:
        """Hand the generation to the loop, once there is a slot and if its tenant may have it.

        Without a free slot, messages wait for this or another worker; a refused one stays queued.
        """
        while not self._is_stopping.is_set():  # no message must delay it by waiting for a slot
            if self._slots.wait(LOOK_SECONDS):
                break
        if not self._is_stopping.is_set() and self._take_slot(ring.queued):
            self._loop.call_soon_threadsafe(self._begin, ring)

    def look_soon(self) -> None:
        """Look into the database after an unreadable doorbell."""
        self._loop.call_soon_threadsafe(self._may_fill.set)

    def stop_claiming(self) -> None:
        """Claim nothing more; generations in hand go on."""
        self._is_stopping.set()

    def drain(self) -> None:
        """Finish generations in hand within the drain window and hand back the rest."""
        self.stop_claiming()
        ends_at = time.monotonic() + settings.DRAIN_SECONDS
        while self._ids_in_hand() and time.monotonic() < ends_at:
            time.sleep(0.05)
        if self._epoch is not None:
            self._is_retired.set()
            connection.close()  # unused since the start, it may have died with its server
            # First, so that nothing more can be claimed under it.
            lease.retire(worker=self._epoch)
            handed_back = _hand_back(self._epoch)
            logger.info("image worker drained, %d handed back", handed_back)
            self._loop.call_soon_threadsafe(self._loop.stop)

    # --- on the loop --------------------------------------------------------------------------

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._listen()
        with closing(self._loop):
            lanes = self._loop.create_task(self._begin_lanes())
            self._loop.run_forever()
            for lane in lanes.result():
                lane.cancel()
            self._loop.run_until_complete(asyncio.wait(lanes.result()))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    async def _begin_lanes(self) -> list[asyncio.Task[None]]:
        assert self._quarantine is not None  # noqa: S101 - start() makes it
        assert self._epoch is not None  # noqa: S101 - as above
        return [
            vital.start_task("quarantine", self._quarantine.run()),
            vital.start_task("refill", self._refill()),
            vital.start_task("storage", self._prove_storage()),
            vital.start_task("changes", self._the_dispatcher().changes.run(self._epoch)),
        ]

    def _gate_moved(self, most: float) -> None:
        self._slots.limit(most)
        if most:
            self._may_fill.set()
            if self._quarantine is not None:
                self._quarantine.look()
        else:
            self._gate_closed.set()

    async def _prove_storage(self) -> None:
        """Try storage while the gate is closed, and log the reason."""
        said_at = -SAID_SECONDS
        while True:
            # Before the probe: a gate that closes meanwhile is tried again.
            self._gate_closed.clear()
            try:
                await prove()
            except StorageFailed as error:
                self._gate.not_proved(str(error))
            else:
                self._gate.proved()
            if self._gate.is_open:
                await self._gate_closed.wait()
            elif time.monotonic() - said_at >= SAID_SECONDS:
                said_at = time.monotonic()
                why = self._gate.trouble
                logger.error("nothing is claimed, because nothing can be stored: %s", why)
            await asyncio.sleep(PROBE_SECONDS)

    def _listen(self) -> None:
        """Check the heartbeat until the worker has retired."""
        if self._is_retired.is_set():
            return
        if time.monotonic() - self._beat_at > SILENT_SECONDS:
            vital.end_process("its heartbeat has hung")
        self._loop.call_later(LISTEN_SECONDS, self._listen)

    def _learn(self, breakers: list[BreakerPause]) -> None:
        self._the_dispatcher().learn(breakers, now=time.monotonic())

    def _note_alive(self) -> None:
        self._loop_heard_at = time.monotonic()

    def _take_slot(self, queued: Queued) -> bool:
        return self._slots.take(queued.tenant_id, livemode=queued.livemode)

    def _begin(self, ring: Ring) -> None:
        """Carry it, and give its slot back at the end."""
        if ring.queued.generation_id in self._in_hand:  # found before its bell was heard
            self._slots.give_back(ring.queued.tenant_id, livemode=ring.queued.livemode)
            return
        self._began_at = time.monotonic()
        task = self._loop.create_task(self._carry(ring))
        self._in_hand[ring.queued.generation_id] = task
        task.add_done_callback(partial(self._on_work_end, ring.queued))

    def _on_work_end(self, queued: Queued, task: asyncio.Task[None]) -> None:
        del self._in_hand[queued.generation_id]
        self._slots.give_back(queued.tenant_id, livemode=queued.livemode)
        if self._slots.is_wanted:
            self._may_fill.set()
        if not task.cancelled() and (error := task.exception()):
            logger.error("work on a generation broke off", exc_info=error)

    async def _refill(self) -> None:
        """Fill freed slots while rows wait."""
        while True:
            await self._may_fill.wait()
            self._may_fill.clear()  # before the look: a slot freed meanwhile counts
            try:
                self._begin_all(await pools.database(self._find_waiting))
            except (OperationalError, InterfaceError) as error:
                logger.warning("queued work could not be looked up: %s", error)
            await asyncio.sleep(FILL_SECONDS)

    def _begin_all(self, waiting: Iterable[Queued]) -> None:
        for queued in waiting:
            is_new = queued.generation_id not in self._in_hand
            if is_new and not self._is_stopping.is_set() and self._take_slot(queued):
                self._begin(Ring(queued))

    async def _carry(self, ring: Ring) -> None:
        if self._is_stopping.is_set() or self._epoch is None:
            return
        await pipeline.run(ring=ring, worker=self._epoch, dispatcher=self._the_dispatcher())

    async def _carry_claimed(self, claim: Claim) -> None:
        await pipeline.carry(claim, dispatcher=self._the_dispatcher())

    def _the_dispatcher(self) -> Dispatcher:
        """The dispatcher, made on first use, on the loop."""
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(
                http=HttpPools(),
                allow=settings.EGRESS_ALLOW,
                spools=process_spools(),
                gate=self._gate,
            )
        return self._dispatcher

    def _ids_in_hand(self) -> set[UUID]:
        """The ids in hand, for other threads: each collection is copied before it changes."""
        # `list` runs no Python code; hashing the ids does, and the loop changes them meanwhile.
        quarantined = [] if self._quarantine is None else list(self._quarantine.in_hand)
        in_hand = list(self._in_hand)
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
            self._loop.call_soon_threadsafe(self._note_alive)
            try:
                self._beat()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the lease could not be renewed: %s", error)
                connection.close()

    def _beat(self) -> None:
        if self._epoch is None or self._quarantine is None:
            return
        began = time.monotonic()
        # Also while draining: generations in hand stay ours.
        breakers = lease.renew(
            worker=self._epoch, trouble=self._gate.trouble, in_hand=len(self._ids_in_hand())
        )
        if breakers is not None:
            self._loop.call_soon_threadsafe(self._learn, breakers)
        elif not self._is_retired.is_set():
            vital.end_process("its lease is gone")  # as after a restore: it could claim nothing
        # So late, the reaper may have taken back what is in hand here (ADR 0012).
        if began - self._renewed_at > settings.LEASE_SECONDS / 2:
            claims.acquit(worker=self._epoch)
        self._renewed_at = began  # before it was sent: the lease is no younger
        with self._quarantine.changing:
            self._give_up_what_was_let_go(self._epoch)
        self._loop.call_soon_threadsafe(self._quarantine.look)
        if not self._is_stopping.is_set():
            self._look(now=time.monotonic())

    def _give_up_what_was_let_go(self, worker: WorkerEpoch) -> None:
        """Queue generations again that are recorded as ours but not in hand.

        They come from a claim whose answer was lost, or an unforeseen error; while our lease is
        renewed, the reaper would wait for their deadline.
        """
        recorded = claims.running_under(worker)
        # Read second, so that one claimed or ended in between is not mistaken for abandoned.
        in_hand = self._ids_in_hand()
        let_go = [generation_id for generation_id in recorded if generation_id not in in_hand]
        if let_go and (count := _hand_back(worker, only=let_go)):
            logger.warning("%d abandoned generations are queued again", count)

    def _find_waiting(self) -> list[Queued]:
        """Queued generations that may begin; on any thread."""
        self._slots.is_wanted = False  # before the look: one refused meanwhile must count
        found, any_waits = waiting(*self._slots.rooms())
        self._slots.is_wanted |= any_waits
        in_hand = self._ids_in_hand()  # their bells were heard, and they wait to be claimed
        return [queued for queued in found if queued.generation_id not in in_hand]

    def _look(self, *, now: float) -> None:
        unheard = self._find_waiting()
        self._loop.call_soon_threadsafe(self._begin_all, unheard)
        if not unheard or self._unheard_since is None or self._began_at > self._unheard_since:
            self._unheard_since = now if unheard else None
        elif now - self._unheard_since > IDLE_LIMIT_SECONDS:
            vital.end_process("generations wait and its loop begins none")


def _hand_back(worker: WorkerEpoch, *, only: Collection[UUID] | None = None) -> int:
    """Queue them again, close their attempts and ring; returns the number of those still ours."""
    handed_back = claims.hand_back(worker=worker, only=only)
    ids = [queued.generation_id for queued in handed_back]
    attempts.cut_off(generation_ids=ids, now=clock.now())
    notify.ring_all(handed_back)
    return len(handed_back)


_worker: ImageWorker | None = None


def start() -> None:
    """Make this process an image worker."""
    global _worker  # noqa: PLW0603 - one worker a process
    _worker = ImageWorker()
    _worker.start()
    doorbell.answered_by(_worker.accept, look=_worker.look_soon)


def stop() -> None:
    """Begin the shutdown: claim nothing more."""
    if _worker is not None:
        _worker.stop_claiming()


def drain() -> None:
    """End the shutdown: finish generations in hand or hand them back."""
    if _worker is not None:
        _worker.drain()
