"""Reading of a request's body within a byte cap and a time limit that grows with bytes sent."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from pictor.kit.words.errors import PictorError, RequestTimeout
from pictor.web.edge import Message, Receive, Scope, header

FIRST_SECONDS = 20.0
"""Time for a body, plus one second for each MINIMUM_RATE bytes that have come."""
MINIMUM_RATE = 16 * 1024
"""Bytes a second that a client must keep up."""


MAX_DIGITS = 19
"""Enough for any length; a header may repeat zeros, and Python refuses numbers of 4,301 digits."""


class ClientGone(Exception):
    """The connection ended before the body did."""


def content_length(scope: Scope) -> int:
    """The announced length of the body; 0 without one."""
    digits = (header(scope, b"content-length") or b"").lstrip(b"0")
    return int(digits[:MAX_DIGITS]) if digits.isdigit() else 0


async def chunks(
    receive: Receive, *, max_bytes: int, too_large: Callable[[], PictorError]
) -> AsyncIterator[bytes]:
    """Yield the body's pieces. Raises `too_large()`, RequestTimeout (slow client) or ClientGone."""
    started = time.monotonic()
    taken = 0
    while True:
        allowed = FIRST_SECONDS + taken / MINIMUM_RATE
        try:
            async with asyncio.timeout(started + allowed - time.monotonic()):
                message: Message = await receive()
        except TimeoutError:
            raise RequestTimeout("The request body took too long to arrive.") from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        taken += len(chunk)
        if taken > max_bytes:
            raise too_large()
        is_last = not message.get("more_body", False)
        del message  # or it stays in memory while a slow body's next piece is awaited
        if chunk:
            yield chunk
        del chunk
        if is_last:
            return
