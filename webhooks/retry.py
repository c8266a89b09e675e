"""When a delivery is tried again, and what an answer means. Pure."""

from datetime import datetime, timedelta
from http import HTTPStatus

WAITS = (
    *(timedelta(seconds=seconds) for seconds in (5, 15, 60)),
    *(timedelta(minutes=minutes) for minutes in (5, 30)),
    *(timedelta(hours=hours) for hours in (2, 8, 24)),
)
"""After the first failed attempt, the second, …; after the last wait comes the last attempt."""
JITTER = 0.2
"""A wait is longer by up to this share of it: what failed together comes back apart."""
PAUSED_AFTER = timedelta(days=5)
"""An endpoint that took nothing for so long gets nothing more until somebody enables it."""


def next_wait(tries: int, *, roll: float) -> timedelta | None:
    """How long to wait after so many failed attempts; None to give up. `roll` is from 0 to 1."""
    if tries > len(WAITS):
        return None
    return WAITS[tries - 1] * (1 + JITTER * roll)


def is_taken(status: int | None) -> bool:
    """Whether the endpoint has taken the event: 2xx; a redirect has not."""
    return status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def is_gone(status: int | None) -> bool:
    """Whether the endpoint wants nothing more, ever."""
    return status == HTTPStatus.GONE


def is_hopeless(failing_since: datetime, now: datetime) -> bool:
    """Whether an endpoint has failed for so long that it is paused."""
    return now - failing_since >= PAUSED_AFTER
