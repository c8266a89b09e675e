"""httpx over connections of our own, each used by one call at a time and kept for the next.

The one that was used last is taken, so that those of a burst grow old and are closed.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
from typing_extensions import override

from pictor.kit.http1 import Connection, Request

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


@dataclass(frozen=True, slots=True)
class _Idle:
    origin: Origin
    connection: Connection
    since: float


class Transport(httpx.AsyncBaseTransport):
    """As many connections as there are calls, and what is left of them for the next ones.

    Args:
        connect: opens one to an origin within so many seconds.
    """

    def __init__(self, connect: Callable[[Origin, float | None], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._idle: list[_Idle] = []
        """The oldest first."""
        self._is_closed = False

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._close_old()
        url = request.url
        origin = Origin(
            url.scheme,
            url.raw_host.decode("ascii"),
            url.port or (443 if url.scheme == "https" else 80),
        )
        connection = self._kept(origin)
        if connection is None:
            connection = await self._connect(origin, request.extensions["timeout"]["connect"])

        def ended(connection: Connection) -> None:
            if self._is_closed:
                connection.close()
            elif connection.is_usable:
                self._idle.append(_Idle(origin, connection, time.monotonic()))
                self._close_old()

        answer = await connection.ask(_sent(request), ended=ended)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=answer.body, request=request
        )

    @override
    async def aclose(self) -> None:
        """Close those that are idle; one in use is closed by the end of its call."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for one in idle:
            one.connection.close()

    def _kept(self, origin: Origin) -> Connection | None:
        """The one to this origin that was used last and that its server has not closed."""
        for one in reversed(self._idle):
            if one.origin == origin:
                self._idle.remove(one)
                if one.connection.is_usable:
                    return one.connection
        return None

    def _close_old(self) -> None:
        while self._idle and self._is_old(self._idle[0]):
            self._idle.pop(0).connection.close()

    def _is_old(self, one: _Idle) -> bool:
        return len(self._idle) > MOST_IDLE or time.monotonic() > one.since + KEEPALIVE_SECONDS


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
