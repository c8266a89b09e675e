"""Commands of one kind that are sent in the same turn of a loop, as one command.

What is written together comes back together, so its bells are rung in one turn.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from pictor.kit.redis.client import RedisCommand, send_async
from pictor.kit.running.per_loop import PerLoop

S = TypeVar("S")
T = TypeVar("T")


class Gathered(Generic[S, T]):
    """Sends parts as one command; each sender gets its result.

    Args:
        command: makes the command of all parts, in order.
    """

    def __init__(self, command: Callable[[Sequence[S]], RedisCommand[T]]) -> None:
        self._command = command
        self._turns: PerLoop[_Turn[S, T]] = PerLoop()

    async def send(self, part: S) -> T:
        """Send it with the others of this turn of the loop, as `send_async` does.

        It is sent even if its caller is cancelled.
        """
        turn = await self._turns.of("", lambda: _Turn(self._command))
        return await asyncio.shield(turn.add(part))


class _Turn(Generic[S, T]):
    """The parts of this turn of one loop."""

    def __init__(self, command: Callable[[Sequence[S]], RedisCommand[T]]) -> None:
        self._command = command
        self._parts: list[S] = []
        self._sending: asyncio.Task[T]

    def add(self, part: S) -> "asyncio.Task[T]":
        self._parts.append(part)
        if len(self._parts) == 1:
            self._sending = asyncio.create_task(self._send())
        return self._sending

    async def _send(self) -> T:
        # A task begins in the next turn, so this one's parts are complete.
        parts, self._parts = self._parts, []
        return await send_async(self._command(parts))

    async def end(self) -> None:
        """Nothing to release: the loop ends its own tasks."""
