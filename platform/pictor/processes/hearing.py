"""Whether a short-work worker's consumer still hears: it may be deaf in a process that looks well.

Each worker's clock sends several messages a minute. One that has nothing in hand and took none for
ten minutes, while the broker answered, will take none any more: its consumer waits on a connection
that is dead, or its clock hangs. One that has something in hand and began nothing for an hour is
stuck. Such a process ends, and its supervisor starts another.
"""

import threading
import time

from celery.worker import state
from redis.exceptions import RedisError

from pictor.kit.redis import client as redis_client
from pictor.kit.running import vital

DEAF_SECONDS = 600.0
STUCK_SECONDS = 3600.0
LOOK_SECONDS = 10.0

_stop = threading.Event()


class Hearing:
    """What was seen of this process's consumer, look by look; times are of the monotonic clock."""

    def __init__(self, *, now: float) -> None:
        self._taken = state.all_total_count[0]
        self._since = now

    def is_deaf(self, *, now: float) -> bool:
        """Look again: whether it has been silent for too long, with nothing to excuse it."""
        taken = state.all_total_count[0]
        if taken != self._taken or not _broker_answers():
            self._taken, self._since = taken, now
        limit = STUCK_SECONDS if state.reserved_requests else DEAF_SECONDS
        return now - self._since > limit


def start() -> None:
    """Watch this process's consumer, in a thread."""
    vital.start_thread("hearing", _watch, is_over=_stop.is_set)


def stop() -> None:
    """The consumer may be silent from now on."""
    _stop.set()


def _watch() -> None:
    hearing = Hearing(now=time.monotonic())
    while not _stop.wait(LOOK_SECONDS):
        if hearing.is_deaf(now=time.monotonic()):
            vital.end_process("its consumer takes no message")


def _broker_answers() -> bool:
    try:
        return bool(redis_client.broker().ping())
    except RedisError:
        return False
