"""Reading of a request's large values while it is sent."""

from collections.abc import AsyncIterator

from generation.channels.base import LargeValue
from generation.channels.errors import AttemptClass, UpstreamError


async def checked_chunks(value: LargeValue) -> AsyncIterator[bytes]:
    """The value's bytes. Raises UpstreamError `not_reached` if unreadable or of another length.

    Then the upstream never sees a whole request, and does not act upon it.
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
