"""Fixed threads for blocking work that event loops ask for.

`concurrent.futures` and asyncio make two futures of each call, chain them and take six locks: twice
the CPU of this, for every call of a request (docs/adr/0027).
"""

import asyncio
import atexit
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Call(Generic[T]):
    """One call on its way to a thread and back."""

    __slots__ = ("_error", "_function", "_future", "_loop", "_result")

    _result: T

    def __init__(self, function: Callable[[], T], future: asyncio.Future[T]) -> None:
        self._function = function
        self._future = future
        self._loop = future.get_loop()
        self._error: BaseException | None = None

    def make(self) -> None:
        """In a thread: make it, unless nobody waits for it any more."""
        if self._future.cancelled():
            return
        try:
            self._result = self._function()
        except BaseException as error:  # noqa: BLE001 - it is raised where the call was asked for
            self._error = error

    def tell(self) -> None:
        """In a thread: have the loop go on with what came of it."""
        try:
            self._loop.call_soon_threadsafe(self._end)
        except RuntimeError:  # the loop is closed, and nobody waits
            return

    def _end(self) -> None:
        future, error = self._future, self._error
        self._error = None  # its traceback has this call in it
        if future.done():
            return
        if error is None:
            future.set_result(self._result)
        else:
            future.set_exception(error)


class Threads:
    """At most `count` threads, each made where a call finds none free, which stay.

    They end with the process, which waits for what they are about.
    """

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._calls: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        self._made: list[threading.Thread] = []
        self._unfinished = 0
        self._counting = threading.Lock()
        atexit.register(self._end)

    @property
    def unfinished(self) -> int:
        """Calls that wait or run."""
        return self._unfinished

    def make(self, function: Callable[[], T], future: asyncio.Future[T]) -> None:
        """Have a call made for a future of the running loop; one that is cancelled first is not.

        Args:
            function: the call.
            future: gets its result, or its exception.
        """
        with self._counting:
            self._unfinished += 1
            if len(self._made) < min(self._unfinished, self._count):
                name = f"{self._name}_{len(self._made)}"
                thread = threading.Thread(target=self._serve, name=name, daemon=True)
                self._made.append(thread)
                thread.start()
        self._calls.put(_Call(function, future))

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            call.make()
            with self._counting:
                self._unfinished -= 1
            call.tell()
            del call  # or it is kept until the next one comes

    def _end(self) -> None:
        for _ in self._made:
            self._calls.put(None)
        for thread in self._made:
            thread.join()
