"""A gate that is open while images can be stored; otherwise none is bought (docs/adr/0038).

One gate per worker process, on its event loop. It is closed until a probe has passed, and closes
again if two images in a row could not be stored at their first try, or one hangs. A waiting image
opens it once it is stored; without one, the probe does. Then it lets few generations through at a
time, twice as many with each stored image.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

FAILED_IN_A_ROW = 2
"""Failed first tries in a row that close the gate."""
HUNG_SECONDS = 5.0
"""The gate closes too if storage takes nothing of an image, or does not answer, for this long."""
FIRST_AT_ONCE = 4
ALL_AT_ONCE = 4096
"""From here on the gate no longer counts."""
IMAGE_SECONDS = 10.0
"""An image that waits longer may be one that storage never takes: then the probe decides."""


class Gate:
    """Lets generations through while images can be stored.

    Args:
        changed: called with the number of generations that may be in hand, on each change.
    """

    def __init__(self, changed: Callable[[float], None]) -> None:
        self._changed = changed
        self._most: float = 0
        self._failed = 0
        self._waiting = 0
        self._closed_at: float | None = None
        self.trouble = "nothing has been stored yet"
        """The reason it is closed; empty while it is open."""

    @property
    def is_open(self) -> bool:
        """True if a generation may be claimed and a call begun."""
        return self._most > 0

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Count a generation's images as waiting to be stored."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def first_failed(self, why: str) -> None:
        """Record that an image could not be stored at its first try."""
        self._failed += 1
        if self._failed >= FAILED_IN_A_ROW:
            self.close(why)

    def close(self, why: str) -> None:
        """Close, because nothing can be stored."""
        if self.is_open:
            logger.warning("nothing more is claimed, because nothing can be stored: %s", why)
            self._closed_at = time.monotonic()
            self._let_through(0)
        self.trouble = why

    def stored(self) -> None:
        """Record that an image was stored."""
        self._failed = 0
        if not self.is_open:
            self._open(FIRST_AT_ONCE)
        elif self._most < math.inf:
            twice = 2 * self._most
            self._let_through(twice if twice < ALL_AT_ONCE else math.inf)

    def not_proved(self, why: str) -> None:
        """Record that the probe failed; an image stored since it began overrules it."""
        if not self.is_open:
            self.trouble = why

    def proved(self) -> None:
        """Record that the probe passed; at the process's start, let all generations through."""
        if self.is_open:  # by an image that was stored since the probe began
            return
        # Nothing has failed yet, and four at once would slow each deployment (ADR 0038).
        if self._closed_at is None:
            self._open(math.inf)
        # Storage may take the probe's few bytes and no image: a waiting image decides first.
        elif not self._waiting or time.monotonic() - self._closed_at > IMAGE_SECONDS:
            self._open(FIRST_AT_ONCE)

    def _open(self, most: float) -> None:
        self._failed = 0
        self.trouble = ""
        logger.info("images can be stored again: generations are claimed")
        self._let_through(most)

    def _let_through(self, most: float) -> None:
        self._most = most
        self._changed(most)
