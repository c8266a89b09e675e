"""The schedule of a delivery's attempts, and the meaning of an answer's status. Pure."""

from datetime import datetime, timedelta
from http import HTTPStatus

WAITS = (
    *(timedelta(seconds=seconds) for seconds in (5, 15, 60)),
    *(timedelta(minutes=minutes) for minutes in (5, 30)),
    *(timedelta(hours=hours) for hours in (2, 8, 24)),
)
"""The wait after the first failed attempt, the second, …; one last attempt follows the last."""
JITTER = 0.2
"""The share by which a wait may be longer, so deliveries that failed together come back apart."""
PAUSED_AFTER = timedelta(days=5)
"""An endpoint that failed for this long is paused until it is enabled again."""


def next_wait(tries: int, *, roll: float) -> timedelta | None:
    """The wait after this many failed attempts; None to give up. `roll` is from 0 to 1."""
    if tries > len(WAITS):
        return None
    return WAITS[tries - 1] * (1 + JITTER * roll)


def is_taken(status: int | None) -> bool:
    """True if the endpoint accepted the event: a 2xx, not a redirect."""
    return status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def is_gone(status: int | None) -> bool:
    """True if the endpoint wants no more events, ever."""
    return status == HTTPStatus.GONE


def is_hopeless(failing_since: datetime, now: datetime) -> bool:
    """True if an endpoint has failed for long enough to be paused."""
    return now - failing_since >= PAUSED_AFTER
