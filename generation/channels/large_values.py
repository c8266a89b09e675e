"""Large values of a request while they are sent: what cannot be read was not sent whole."""

from collections.abc import AsyncIterator

from generation.channels.base import LargeValue
from generation.channels.errors import AttemptClass, UpstreamError


async def checked(value: LargeValue) -> AsyncIterator[bytes]:
    """Its bytes, as many as were said. Raises UpstreamError `not_reached` for any others.

    The upstream never sees a whole request then, and does not act upon it.
    """
    size_bytes = 0
    try:
        async for chunk in value.read():
            size_bytes += len(chunk)
            yield chunk
    except Exception as error:
        raise _unreadable(f"{type(error).__name__}: {error}") from error
    if size_bytes != value.size_bytes:
        raise _unreadable(f"{size_bytes} bytes, not {value.size_bytes}")


def _unreadable(why: str) -> UpstreamError:
    return UpstreamError(
        AttemptClass.NOT_REACHED,
        f"a reference image could not be read while sending: {why}",
        is_ours=True,
    )
