"""The threads that draw pictures, so that waiting requests stay on the event loop."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sandbox import pictures
from sandbox.pictures import Picture

_MAX_THREADS: Final = 4


class Studio:
    """A small thread pool that draws."""

    def __init__(self) -> None:
        threads = max(1, min(_MAX_THREADS, os.cpu_count() or 1))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="draw")

    async def draw(self, picture: Picture) -> bytes:
        """The picture's file."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, pictures.draw, picture)

    def close(self) -> None:
        """Drop pictures that were not begun; do not wait for the others."""
        self._threads.shutdown(wait=False, cancel_futures=True)
