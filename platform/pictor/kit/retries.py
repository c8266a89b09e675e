"""Trying again what failed, by `stamina`, with the limits said in one place.

    _again = retries.calls(tries=3, pause_seconds=0.5)
    image = await _again(HttpError, fetch, url)

What is worth another try is the first argument: exceptions, or a function of one. The last failure
is raised as it came. A cancelled call ends at once. Nothing is logged or counted here: stamina's
own instrumentation is off, because each place knows best what a failure means.
"""

import stamina
from stamina.instrumentation import set_on_retry_hooks

set_on_retry_hooks([])


def calls(
    *,
    pause_seconds: float,
    longest_pause_seconds: float | None = None,
    tries: int | None = None,
    seconds: float | None = None,
) -> stamina.AsyncRetryingCaller:
    """Calls a coroutine function until it succeeds; without `tries` and `seconds`, for ever.

    Args:
        pause_seconds: between two tries.
        longest_pause_seconds: with it, each pause is twice the one before, up to this.
        tries: at most, the first one included.
        seconds: a failure this long after the first try began is the last one.
    """
    return stamina.AsyncRetryingCaller(
        attempts=tries,
        timeout=seconds,
        wait_initial=pause_seconds,
        wait_max=longest_pause_seconds or pause_seconds,
        wait_jitter=0.0,
    )
