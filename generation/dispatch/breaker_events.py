"""Changes of a worker's breakers and gates, until they are written to the database.

The event loop notes them without waiting, and a thread of the pool writes them: at most one
statement a second. The queue is bounded; the oldest changes are dropped.
"""

import asyncio
import logging
import time
from collections import deque
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from prometheus_client import Counter

from generation.catalogue.traffic import channel_events
from generation.catalogue.traffic.channel_events import BreakerChange
from generation.models import ChannelEvent
from pictor.kit.database import pools
from pictor.kit.words import clock

logger = logging.getLogger(__name__)

DROPPED = Counter(
    "pictor_channel_events_dropped", "Turns of channels that nobody can read, of too many."
)

MAX_WAITING = 500
"""The longest queue; beyond it the oldest changes are dropped and counted."""
WRITE_SECONDS = 1.0
REST_SECONDS = 60.0
"""A gate that closes again within a minute of its opening counts as closed throughout."""

Kind = ChannelEvent.Kind


class BreakerChanges:
    """The changes of one worker process. Monotonic times are those of its health."""

    def __init__(self) -> None:
        self._waiting: deque[BreakerChange] = deque(maxlen=MAX_WAITING)
        self._closed: dict[int, float] = {}
        """Channels whose gate was noted as closed, and the time at which it opens."""

    def breaker(self, channel_id: int, model: str, *, pause: float) -> None:
        """Note a breaker that opens for `pause` seconds, or closes if that is 0."""
        kind = Kind.BREAKER_OPENED if pause else Kind.BREAKER_CLOSED
        self._note(BreakerChange(channel_id, kind, clock.now(), model, pause or None))

    def gate_closed(self, channel_id: int, *, until: float, now: float) -> None:
        """Note that a gate is closed until `until`, or extend a noted one."""
        # A Retry-After of 0 closes nothing, so there is nothing to tell.
        if until <= now:
            return
        # Each further refusal extends the gate; only the first one is an event.
        if channel_id not in self._closed:
            self._note(
                BreakerChange(channel_id, Kind.GATE_CLOSED, clock.now(), seconds=until - now)
            )
        self._closed[channel_id] = until

    def gate_forgotten(self, channel_id: int) -> None:
        """Note that the channel's gate is open, because the channel was reset."""
        if self._closed.pop(channel_id, None) is not None:
            self._note(BreakerChange(channel_id, Kind.GATE_OPENED, clock.now()))

    def look(self, *, now: float) -> None:
        """Note the gates that have been open for a minute."""
        for channel_id, until in list(self._closed.items()):
            if until + REST_SECONDS <= now:
                del self._closed[channel_id]
                # It opened a minute ago: only now is it clear that it stayed open.
                opened_at = clock.now() - timedelta(seconds=now - until)
                self._note(BreakerChange(channel_id, Kind.GATE_OPENED, opened_at))

    def take(self) -> list[BreakerChange]:
        """Return and clear the queue, oldest first."""
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    async def run(self, worker: UUID) -> None:
        """Write the queue every second; if the database refuses it, try again a second later."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            self.look(now=time.monotonic())
            if not (batch := self.take()):
                continue
            try:
                await pools.database(channel_events.write, batch, worker=worker)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("changes of breakers and gates could not be written: %s", error)
                # The failed batch goes before the changes noted meanwhile, so their order stays.
                for change in (*batch, *self.take()):
                    self._note(change)

    def _note(self, change: BreakerChange) -> None:
        # A full deque drops its oldest change without a word.
        if len(self._waiting) == MAX_WAITING:
            DROPPED.inc()
        self._waiting.append(change)
