"""httpx over connections of our own, each used by one call at a time and kept for the next."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import httpx
from typing_extensions import override

from pictor.kit.outbound.http1 import Connection, Request

KEEPALIVE_SECONDS = 4.0
"""Shorter than servers' usual 5 s: a reused connection that its server is just closing would leave
us not knowing whether a paid request arrived."""
MOST_IDLE = 100


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads to."""

    scheme: str
    host: str
    port: int


class Idle:
    """Connections that no request uses.

    The one that was used last is taken, so that those of a burst grow old and are closed.

    Args:
        most: so many are kept.
        seconds: and for so long.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.seconds = seconds
        self._most = most
        self._kept: list[tuple[Origin, Connection, float]] = []
        """The oldest first; since when."""
        self._is_closed = False

    def take(self, origin: Origin) -> Connection | None:
        """The one to this origin that was used last and that its server has not closed."""
        self._close_old()
        for one in reversed(self._kept):
            if one[0] == origin:
                self._kept.remove(one)
                if one[1].is_usable:
                    return one[1]
        return None

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Have it taken again, if it is fit for that."""
        if self._is_closed:
            connection.close()
        elif connection.is_usable:
            self._kept.append((origin, connection, time.monotonic()))
            self._close_old()

    def close(self) -> None:
        """Close all that are here, and what is to be kept from now on."""
        self._is_closed = True
        while self._kept:
            self._kept.pop()[1].close()

    def _close_old(self) -> None:
        while self._kept and (
            len(self._kept) > self._most or time.monotonic() > self._kept[0][2] + self.seconds
        ):
            self._kept.pop(0)[1].close()


class Transport(httpx.AsyncBaseTransport):
    """As many connections as there are calls, and what is left of them for the next ones.

    Args:
        connect: opens one to an origin within so many seconds.
    """

    def __init__(self, connect: Callable[[Origin, float | None], Awaitable[Connection]]) -> None:
        self._connect = connect
        self.idle = Idle(MOST_IDLE, KEEPALIVE_SECONDS)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        origin = Origin(
            url.scheme,
            url.raw_host.decode("ascii"),
            url.port or (443 if url.scheme == "https" else 80),
        )
        connection = self.idle.take(origin)
        if connection is None:
            connection = await self._connect(origin, request.extensions["timeout"]["connect"])

        answer = await connection.ask(_sent(request), ended=partial(self.idle.keep, origin))
        return httpx.Response(
            answer.status, headers=answer.headers, stream=answer.body, request=request
        )

    @override
    async def aclose(self) -> None:
        """Close those that are idle; one in use is closed by the end of its call."""
        self.idle.close()


def _sent(request: httpx.Request) -> Request:
    """With `timeout` among its extensions, and `sending` if somebody wants to be called then."""
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
