"""Delays before an answer begins: a number of seconds, or until a signal to go on."""

import asyncio
import contextlib


class Delays:
    """The delays that requests wait for now."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._waiting = 0

    async def wait(self, seconds: float) -> None:
        """Return after that many seconds, or when all waiters are told to go on."""
        if not seconds:
            return
        over = self._over
        self._waiting += 1
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), seconds)
        finally:
            if over is self._over:  # else it was counted as ended
                self._waiting -= 1

    def end(self) -> int:
        """Let all present waiters go on; return their number, each counted once."""
        ended, self._waiting = self._waiting, 0
        self._over.set()
        self._over = asyncio.Event()
        return ended
