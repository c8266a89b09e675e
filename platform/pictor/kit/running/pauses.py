"""Leave a dead server alone for a while: it must not slow down whatever can do without it."""

import logging
import time

logger = logging.getLogger(__name__)


class Pause:
    """Begins with a failure, and lasts for so many seconds; one a process, seen by all its threads.

    Args:
        seconds: how long the server is not asked.
        meanwhile: what is done until then, for the log.
    """

    def __init__(self, seconds: float, meanwhile: str) -> None:
        self._seconds = seconds
        self._meanwhile = meanwhile
        self._until = 0.0

    def is_on(self) -> bool:
        """Whether the server is left alone now."""
        return time.monotonic() < self._until

    def begin(self, error: Exception) -> None:
        """The server has failed."""
        self._until = time.monotonic() + self._seconds
        logger.warning("%s: %s", self._meanwhile, error)
