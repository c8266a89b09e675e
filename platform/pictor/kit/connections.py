"""httpx over connections of httpcore's, each used by one call at a time and kept for the next.

httpcore's own pool looks at all its connections on every request, and polls those that are idle:
with 200 of them a call cost 5 ms of CPU. Here the one that was used last is taken, and asked alone
whether its server has closed it.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpcore
import httpx
from typing_extensions import override

KEEPALIVE_SECONDS = 4.0
"""Shorter than servers' usual 5 s: a reused connection that its server is just closing would leave
us not knowing whether a paid request arrived."""
MOST_IDLE = 100

_Origin = tuple[bytes, bytes, int | None]


@dataclass(frozen=True, slots=True)
class _Idle:
    origin: _Origin
    connection: httpcore.AsyncHTTPConnection
    since: float


class Transport(httpx.AsyncBaseTransport):
    """As many connections as there are calls, and what is left of them for the next ones.

    Args:
        new_connection: one to an origin, to be opened by its first request.
    """

    def __init__(
        self, new_connection: Callable[[httpcore.Origin], httpcore.AsyncHTTPConnection]
    ) -> None:
        self._new_connection = new_connection
        self._idle: list[_Idle] = []
        """The oldest first."""
        self._is_closed = False

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._close_old()
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        origin = (url.scheme, url.host, url.port)
        connection = await self._kept(origin) or self._new_connection(url.origin)
        asked = httpcore.Request(
            method=request.method.encode("ascii"),
            url=url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            answer = await connection.handle_async_request(asked)
        except BaseException:  # cancelled as well: nobody else knows of it
            await connection.aclose()
            raise

        async def ended() -> None:
            try:
                await answer.aclose()
            except BaseException:
                await connection.aclose()
                raise
            if self._is_closed:
                await connection.aclose()
            elif connection.is_idle():  # read to its end, and not to be closed by its server
                self._idle.append(_Idle(origin, connection, time.monotonic()))
                await self._close_old()

        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_AnswerStream(answer, ended),
            extensions=answer.extensions,
        )

    @override
    async def aclose(self) -> None:
        """Close those that are idle; one in use is closed by the end of its call."""
        self._is_closed = True
        idle, self._idle = self._idle, []
        for one in idle:
            await one.connection.aclose()

    async def _kept(self, origin: _Origin) -> httpcore.AsyncHTTPConnection | None:
        """The one to this origin that was used last and that its server has not closed."""
        for one in reversed(self._idle):
            if one.origin == origin:
                self._idle.remove(one)
                if not one.connection.has_expired():
                    return one.connection
                await one.connection.aclose()
        return None

    async def _close_old(self) -> None:
        while self._idle and self._is_old(self._idle[0]):
            await self._idle.pop(0).connection.aclose()

    def _is_old(self, one: _Idle) -> bool:
        return len(self._idle) > MOST_IDLE or time.monotonic() > one.since + KEEPALIVE_SECONDS


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response, ended: Callable[[], Awaitable[None]]) -> None:
        self._answer = answer
        self._ended = ended

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer.aiter_stream():
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._ended()
