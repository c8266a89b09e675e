"""What each event loop has of its own, ended as the loop ends: connections, above all."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Any, Generic, Protocol, TypeVar


class Ending(Protocol):
    """Something to be ended before its loop is."""

    async def end(self) -> None:
        """Let go of what it has."""
        ...


T = TypeVar("T", bound=Ending)


class _Mine(threading.local):
    """What the loop that runs in this thread has, by its key, and what ends that."""

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self) -> None:
        self.made: dict[Hashable, Any] = {}
        self.endings: list[AsyncIterator[None]] = []


class PerLoop(Generic[T]):
    """One of a kind for each key and running loop, made where it is first asked for."""

    def __init__(self) -> None:
        self._mine = _Mine()

    async def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """The running loop's; `make` must not wait."""
        mine = self._mine
        if mine.loop is not (loop := asyncio.get_running_loop()):
            mine.loop, mine.made, mine.endings = loop, {}, []
        found: T | None = mine.made.get(key)
        if found is None:
            found = mine.made[key] = make()
            mine.endings.append(ending := _ended_with_its_loop(found))
            await anext(ending)
        return found


async def _ended_with_its_loop(made: Ending) -> AsyncIterator[None]:
    """A loop ends all asynchronous generators that have begun on it, before it is closed."""
    try:
        yield
    finally:
        await made.end()
