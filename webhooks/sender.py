"""Sends events: a loop in each short-work worker, beside its Celery threads.

It looks for due deliveries once a second, so no wake-up is needed, and at once again while there
are more. Every worker may look: a delivery is claimed by one. At shutdown it waits for running
attempts, as long as one may take; a delivery that is cut off is sent again when its claim ends.
"""

import asyncio
import logging
import threading
from collections import Counter
from uuid import UUID

import uvloop
from django.conf import settings
from django.db import DatabaseError, InterfaceError

from accounts.rates.daily_bytes import SENDING_BYTES, count_test_command
from pictor.kit.database import pools
from pictor.kit.outbound.http import HttpPool, LookUpsBusy
from pictor.kit.redis.client import send_async
from pictor.kit.running import vital
from pictor.kit.words import clock
from webhooks import outbox
from webhooks.outbox import DeliveryOutcome, HeldDelivery
from webhooks.sending import ATTEMPT_SECONDS, CONNECT_SECONDS, send

logger = logging.getLogger(__name__)

SLOTS = 200
LOOK_SECONDS = 1.0
SILENT_SECONDS = 120.0
"""A look at the database that takes this long hangs, and the process ends."""
DNS_THREADS = 32
"""Tenants' name servers may be slow; nothing else in this process uses these threads."""


class Sender:
    """Sends due deliveries on one event loop."""

    def __init__(self, http: HttpPool) -> None:
        self._http = http
        self._in_hand: Counter[UUID] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()

    async def look(self) -> int:
        """Start due deliveries as far as there is room and return how many."""
        room = SLOTS - len(self._tasks)
        if room <= 0:
            return 0
        # The counts are copied, since the loop goes on counting while the thread reads.
        async with asyncio.timeout(SILENT_SECONDS):
            deliveries = await pools.database(
                outbox.claim, now=clock.now(), limit=room, in_hand=dict(self._in_hand)
            )
        for delivery in deliveries:
            self._in_hand[delivery.endpoint_id] += 1
            task = asyncio.create_task(self._deliver(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(deliveries)

    async def wait(self, seconds: float) -> None:
        """Wait until an attempt ends and makes room, or for `seconds`."""
        self._ended.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._ended.wait()
        except TimeoutError:
            return

    async def finish(self, seconds: float) -> None:
        """Wait for running deliveries, at most for `seconds`."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _attempt(self, delivery: HeldDelivery) -> DeliveryOutcome:
        """Attempt the delivery. Our own error counts as an attempt, or it would repeat for ever."""
        began = clock.now()
        try:
            return await send(delivery, http=self._http, at=began)
        except LookUpsBusy:
            raise
        except Exception:
            logger.exception("an event could not be sent")
            return DeliveryOutcome(
                began_at=began, took=clock.now() - began, error="it could not be sent"
            )

    async def _deliver(self, delivery: HeldDelivery) -> None:
        try:
            if not await _count_bytes(delivery):
                await pools.surely(outbox.put_off, delivery=delivery, now=clock.now())
                return
            outcome = await self._attempt(delivery)
            await pools.surely(
                outbox.write_down, delivery=delivery, outcome=outcome, now=clock.now()
            )
        except LookUpsBusy as error:  # due again when its claim ends
            logger.warning("a delivery is put off: %s", error)
        except Exception:
            logger.exception("a delivery failed unexpectedly; it is sent again")
        finally:
            self._in_hand[delivery.endpoint_id] -= 1
            self._in_hand += Counter()  # drops endpoints at 0
            self._ended.set()


async def _count_bytes(delivery: HeldDelivery) -> bool:
    """Count a test event's bytes. Returns False if its tenant's tests may store no more today."""
    tenant_id = delivery.test_of
    if tenant_id is None:
        return True
    return await send_async(count_test_command(tenant_id, SENDING_BYTES, now=clock.now()))


_stop = threading.Event()
_thread: threading.Thread | None = None


def start() -> None:
    """Start the loop in its own thread."""
    global _thread  # noqa: PLW0603 - one sender a process
    _thread = vital.start_thread("webhooks", lambda: uvloop.run(_run()), is_over=_stop.is_set)


def stop() -> None:
    """Stop starting deliveries."""
    _stop.set()


def drain() -> None:
    """Stop, and wait for running deliveries as long as a shutdown may take."""
    stop()
    if _thread is not None:
        _thread.join(min(settings.DRAIN_SECONDS, ATTEMPT_SECONDS + 2 * LOOK_SECONDS))


async def _run() -> None:
    http = HttpPool(
        egress_allow=settings.WEBHOOK_ALLOW,
        connect_timeout_seconds=CONNECT_SECONDS,
        dns_threads=DNS_THREADS,
    )
    sender = Sender(http)
    while not _stop.is_set():
        try:
            begun = await sender.look()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("webhooks wait for the database: %s", error)
            begun = 0
        await (asyncio.sleep(0.05) if begun else sender.wait(LOOK_SECONDS))
    await sender.finish(ATTEMPT_SECONDS)
    await http.aclose()
