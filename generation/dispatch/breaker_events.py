"""Changes of a worker's breakers and gates, until they are written to the database.

The event loop notes them without waiting, and a thread of the pool writes them, at most once a
second: the events, and the state of breakers that all workers share. The queue of events is
bounded; the oldest are dropped.
"""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.db import DatabaseError, InterfaceError
from prometheus_client import Counter, Gauge

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.traffic import channel_events, open_breakers
from generation.catalogue.traffic.channel_events import BreakerChange
from generation.catalogue.traffic.open_breakers import BreakerKey, WonProbe
from generation.models import ChannelEvent
from pictor.kit.database import pools
from pictor.kit.words import clock

logger = logging.getLogger(__name__)

BREAKER_OPEN = Gauge(
    "pictor_breaker_open",
    "1 from a breaker's opening until a call goes well; without a model, of the whole channel.",
    ["channel", "model"],
)
DROPPED = Counter(
    "pictor_channel_events_dropped", "Turns of channels that nobody can read, of too many."
)

MAX_WAITING = 500
"""The longest queue; beyond it the oldest changes are dropped and counted."""
WRITE_SECONDS = 1.0
OTHER_MODEL_SECONDS = 3600.0
REST_SECONDS = 60.0
"""A gate that closes again within a minute of its opening counts as closed throughout."""

Kind = ChannelEvent.Kind


class BreakerChanges:
    """The changes of one worker process. Monotonic times are those of its health."""

    def __init__(self) -> None:
        self._waiting: deque[BreakerChange] = deque(maxlen=MAX_WAITING)
        self._closed: dict[int, float] = {}
        """Channels whose gate was noted as closed, and the time at which it opens."""
        self._answered: dict[tuple[int, str], float] = {}
        """Channels and models of which another model answered, and when that was noted."""
        self.unwritten: dict[BreakerKey, float] = {}
        """The new pauses of breakers; 0 for a closed one."""
        self.unsent: list[WonProbe] = []
        """Probes that were won and not sent, to be given back."""

    def turned(self, key: BreakerKey, name: str, *, before: float, after: float) -> None:
        """Log and note a breaker of the channel `name` whose pause changed from `before`."""
        BREAKER_OPEN.labels(name, key.model).set(bool(after))
        models = key.model or "every model"
        if after > before:
            logger.warning("the breaker of %s for %s is open for %.0f s", name, models, after)
        elif not after:
            logger.warning("the breaker of %s for %s is closed again", name, models)
        if not (before and after):  # a longer pause is no transition (ADR 0050)
            self.breaker(key.channel_id, key.model, pause=after)

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

    def other_model(self, route: RouteInfo, answered: str) -> None:
        """Note that another model answered than the route's: once an hour."""
        key, now = (route.channel_id, route.model), time.monotonic()
        if now >= self._answered.get(key, -math.inf) + OTHER_MODEL_SECONDS:
            self._answered[key] = now
            words = f"{answered} answers for {route.upstream_model}"
            self._note(BreakerChange(key[0], Kind.OTHER_MODEL, clock.now(), key[1], words=words))

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
            batch, changed, unsent = self.take(), dict(self.unwritten), [*self.unsent]
            if not (batch or changed or unsent):
                continue
            try:
                await pools.database(_write, batch, changed, unsent, worker=worker)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("changes of breakers and gates could not be written: %s", error)
                # The failed batch goes before the changes noted meanwhile, so their order stays.
                for change in (*batch, *self.take()):
                    self._note(change)
            else:
                self.unwritten = dict(self.unwritten.items() - changed.items())
                del self.unsent[: len(unsent)]

    def _note(self, change: BreakerChange) -> None:
        # A full deque drops its oldest change without a word.
        if len(self._waiting) == MAX_WAITING:
            DROPPED.inc()
        self._waiting.append(change)


def _write(
    batch: Sequence[BreakerChange],
    changed: Mapping[BreakerKey, float],
    unsent: Sequence[WonProbe],
    *,
    worker: UUID,
) -> None:
    if changed:
        open_breakers.write(changed)
    for probe in unsent:
        open_breakers.give_back(probe)
    if batch:
        channel_events.write(batch, worker=worker)
