"""Concurrency limits by key."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class KeyedLimit:
    """At most `most` turns at once for each key, given in order of arrival.

    For one event loop. A key without turns is forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._turns: WeakValueDictionary[Hashable, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn of the key and hold it."""
        semaphore = self._turns.get(key)
        if semaphore is None:
            semaphore = self._turns[key] = asyncio.Semaphore(self._most)
        async with semaphore:
            yield
