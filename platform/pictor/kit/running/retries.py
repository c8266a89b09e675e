"""Retries by `stamina`, with the limits of each caller stated once.

    _again = retries.calls(tries=3, pause_seconds=0.5)
    image = await _again(HttpError, fetch, url)

The first argument selects the failures that are retried: exception classes, or a predicate. The
last failure is raised unchanged. A cancelled call ends at once. Nothing is logged or counted here:
stamina's own instrumentation is off, because the caller knows best what a failure means.

The first try is made without stamina, whose bookkeeping costs more than many a call.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import stamina
from stamina.instrumentation import set_on_retry_hooks

set_on_retry_hooks([])


T = TypeVar("T")
On = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool]


class Retrier:
    """Calls a coroutine function until it succeeds or the limits are reached."""

    def __init__(self, again: stamina.AsyncRetryingCaller) -> None:
        self._again = again

    async def __call__(
        self, on: On, function: Callable[..., Awaitable[T]], *arguments: Any, **named: Any
    ) -> T:
        """Return the function's result; `on` selects the failures that are retried."""
        try:
            return await function(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - raised again below, unless `on` selects it
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
) -> Retrier:
    """Return a caller that retries until success; without `tries` and `seconds`, for ever.

    Args:
        pause_seconds: the pause between two tries.
        longest_pause_seconds: if given, each pause is twice the last one, up to this.
        tries: the most tries, the first one included.
        seconds: no retry follows a failure this long after the first one.
    """
    return Retrier(
        stamina.AsyncRetryingCaller(
            attempts=tries,
            timeout=seconds,
            wait_initial=pause_seconds,
            wait_max=longest_pause_seconds or pause_seconds,
            wait_jitter=0.0,
        )
    )
