"""Objects of a single event loop, mostly connections, which end with the loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar


class LoopResource(Protocol):
    """An object that must be ended before its loop closes."""

    async def end(self) -> None:
        """Release its resources."""
        ...


T = TypeVar("T", bound=LoopResource)


class _Mine(threading.local):
    """The objects of this thread's running loop by key, and the generators that end them."""

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self) -> None:
        self.made: dict[Hashable, Any] = {}
        self.endings: list[AsyncIterator[None]] = []


class PerLoop(Generic[T]):
    """One object for each key and running loop, made on first use."""

    def __init__(self) -> None:
        self._mine = _Mine()

    async def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the running loop's object; `make` must not block."""
        mine = self._mine
        if mine.loop is not (loop := asyncio.get_running_loop()):
            mine.loop, mine.made, mine.endings = loop, {}, []
        resource: T | None = mine.made.get(key)
        if resource is None:
            resource = mine.made[key] = make()
            mine.endings.append(ending := _end_with_loop(resource))
            await anext(ending)
        return resource


async def _end_with_loop(resource: LoopResource) -> AsyncIterator[None]:
    """End the object with its loop, which closes all its asynchronous generators as it ends."""
    try:
        yield
    finally:
        await resource.end()
