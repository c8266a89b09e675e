"""Watch over a short-work worker's consumer, which may be deaf in a process that looks well.

Each worker's clock sends several messages a minute. If a worker with nothing in hand took none for
ten minutes while the broker answered, it will never take one again: its consumer waits on a dead
connection, or its clock hangs. If a worker with work in hand began nothing for an hour, it is
stuck. Such a process ends, and its supervisor starts another.
"""

import threading
import time

from celery.worker import state

from pictor.kit.redis import client as redis_client
from pictor.kit.running import vital

DEAF_SECONDS = 600.0
STUCK_SECONDS = 3600.0
LOOK_SECONDS = 10.0

_stop = threading.Event()


class Hearing:
    """Count of this process's taken messages and its last change, by the monotonic clock."""

    def __init__(self, *, now: float) -> None:
        self._taken = state.all_total_count[0]
        self._since = now

    def is_deaf(self, *, now: float) -> bool:
        """Look again; return whether the consumer took nothing for too long without a reason."""
        taken = state.all_total_count[0]
        if taken != self._taken or not redis_client.answers(redis_client.broker):
            self._taken, self._since = taken, now
        limit = STUCK_SECONDS if state.reserved_requests else DEAF_SECONDS
        return now - self._since > limit


def start() -> None:
    """Watch this process's consumer, in a thread."""
    vital.start_thread("hearing", _watch, is_over=_stop.is_set)


def stop() -> None:
    """End the watch, because the consumer is about to stop."""
    _stop.set()


def _watch() -> None:
    hearing = Hearing(now=time.monotonic())
    while not _stop.wait(LOOK_SECONDS):
        if hearing.is_deaf(now=time.monotonic()):
            vital.end_process("its consumer takes no message")
