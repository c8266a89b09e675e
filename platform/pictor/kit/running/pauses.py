"""Pauses after a server's failure, so that a dead server does not slow down its optional users."""

import logging
import time

logger = logging.getLogger(__name__)


class Pause:
    """A pause that begins with a failure; one per process, shared by its threads.

    Args:
        seconds: duration, during which the server is not asked.
        meanwhile: the fallback during the pause, for the log.
    """

    def __init__(self, seconds: float, meanwhile: str) -> None:
        self._seconds = seconds
        self._meanwhile = meanwhile
        self._until = 0.0

    def is_on(self) -> bool:
        """True if the server must be left alone now."""
        return time.monotonic() < self._until

    def begin(self, error: Exception) -> None:
        """Begin, or begin again, after this failure of the server."""
        self._until = time.monotonic() + self._seconds
        logger.warning("%s: %s", self._meanwhile, error)
