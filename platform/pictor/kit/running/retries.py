"""Trying again what failed, by `stamina`, with the limits said in one place.

    _again = retries.calls(tries=3, pause_seconds=0.5)
    image = await _again(HttpError, fetch, url)

What is worth another try is the first argument: exceptions, or a function of one. The last failure
is raised as it came. A cancelled call ends at once. Nothing is logged or counted here: stamina's
own instrumentation is off, because each place knows best what a failure means.

The first try is made without stamina, whose book-keeping costs more than many a call.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import stamina
from stamina.instrumentation import set_on_retry_hooks

set_on_retry_hooks([])


T = TypeVar("T")
On = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]


class Caller:
    """Calls a coroutine function until it succeeds, or its limits are reached."""

    def __init__(self, again: stamina.AsyncRetryingCaller) -> None:
        self._again = again

    async def __call__(
        self, on: On, function: Callable[..., Awaitable[T]], *arguments: Any, **named: Any
    ) -> T:
        """Its result; `on` says what is worth another try."""
        try:
            return await function(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - raised again, where it is not worth another try
            failed: list[Exception] = [error]

        async def again() -> T:
            if failed:
                raise failed.pop()
            return await function(*arguments, **named)

        return await self._again(on, again)


def calls(
    *,
    pause_seconds: float,
    longest_pause_seconds: float | None = None,
    tries: int | None = None,
    seconds: float | None = None,
) -> Caller:
    """Calls a coroutine function until it succeeds; without `tries` and `seconds`, for ever.

    Args:
        pause_seconds: between two tries.
        longest_pause_seconds: with it, each pause is twice the one before, up to this.
        tries: at most, the first one included.
        seconds: a failure this long after the first one is the last.
    """
    return Caller(
        stamina.AsyncRetryingCaller(
            attempts=tries,
            timeout=seconds,
            wait_initial=pause_seconds,
            wait_max=longest_pause_seconds or pause_seconds,
            wait_jitter=0.0,
        )
    )
