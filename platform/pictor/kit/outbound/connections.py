"""An httpx transport over our own connections, each used by one call at a time and then kept."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import httpx
from typing_extensions import override

from pictor.kit.outbound.http1 import HttpConnection, Request

KEEPALIVE_SECONDS = 4.0
"""Shorter than servers' usual 5 s: if a connection is reused just as its server closes it, we
cannot know whether a paid request arrived."""
MAX_IDLE = 100


@dataclass(frozen=True, slots=True)
class Destination:
    """The destination of a connection."""

    scheme: str
    host: str
    port: int


class Idle:
    """Idle connections.

    The most recently used one is taken first, so that the extra ones of a burst expire.

    Args:
        most: the number of connections that are kept.
        seconds: the time for which one is kept.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.seconds = seconds
        self._most = most
        self._kept: list[tuple[Destination, HttpConnection, float]] = []
        """Origin, connection and monotonic time of its last use, oldest first."""
        self._is_closed = False

    def take(self, origin: Destination) -> HttpConnection | None:
        """Return the origin's most recently used connection that is still open, if any."""
        self._close_old()
        for connection in reversed(self._kept):
            if connection[0] == origin:
                self._kept.remove(connection)
                if connection[1].is_usable:
                    return connection[1]
        return None

    def keep(self, origin: Destination, connection: HttpConnection) -> None:
        """Keep a connection for reuse if it is usable."""
        if self._is_closed:
            connection.close()
        elif connection.is_usable:
            self._kept.append((origin, connection, time.monotonic()))
            self._close_old()

    def close(self) -> None:
        """Close all idle connections, and any that is handed in later."""
        self._is_closed = True
        while self._kept:
            self._kept.pop()[1].close()

    def _close_old(self) -> None:
        while self._kept and (
            len(self._kept) > self._most or time.monotonic() > self._kept[0][2] + self.seconds
        ):
            self._kept.pop(0)[1].close()


class Transport(httpx.AsyncBaseTransport):
    """A transport with a connection for each call, reused by later calls.

    Args:
        connect: `connect(origin, seconds)` opens a connection within that time.
    """

    def __init__(
        self, connect: Callable[[Destination, float | None], Awaitable[HttpConnection]]
    ) -> None:
        self._connect = connect
        self.idle = Idle(MAX_IDLE, KEEPALIVE_SECONDS)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        origin = Destination(
            url.scheme,
            url.raw_host.decode("ascii"),
            url.port or (443 if url.scheme == "https" else 80),
        )
        connection = self.idle.take(origin)
        if connection is None:
            connection = await self._connect(origin, request.extensions["timeout"]["connect"])

        answer = await connection.ask(_translate(request), ended=partial(self.idle.keep, origin))
        return httpx.Response(
            answer.status, headers=answer.headers, stream=answer.body, request=request
        )

    @override
    async def aclose(self) -> None:
        """Close idle connections; one in use is closed at the end of its call."""
        self.idle.close()


def _translate(request: httpx.Request) -> Request:
    """Translate a request with the extension `timeout`, and `sending` for a callback."""
    limits = request.extensions["timeout"]
    assert isinstance(request.stream, httpx.AsyncByteStream)  # noqa: S101 - our own requests
    return Request(
        request.method,
        request.url.raw_path,
        request.headers.raw,
        request.stream,
        read_seconds=limits["read"],
        write_seconds=limits["write"],
        sending=request.extensions.get("sending"),
    )
