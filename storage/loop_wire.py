"""Objects in and out on an event loop, without a thread: PUT from memory, GET of any size.

A thread costs a small image more than its bytes do: it is woken, and fights the loop for the
interpreter's lock at each step. Connections are kept for the next request and end with their loop.
Raises StorageFailed.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from http import HTTPStatus

from pictor.kit.bytes.spool import CHUNK_BYTES
from pictor.kit.database import pools
from pictor.kit.outbound.connections import Idle, Origin
from pictor.kit.outbound.http1 import Connection, Request, TransportError, WireAnswer
from pictor.kit.running.per_loop import PerLoop
from storage.signing import Signers
from storage.wire import (
    CONNECT_TIMEOUT_SECONDS,
    MAX_IDLE_CONNECTIONS,
    MAX_IDLE_SECONDS,
    READ_TIMEOUT_SECONDS,
    BucketPlace,
    StorageFailed,
    failed,
    kept_with,
    require_ok,
    signed,
)

AT_ONCE = 16
"""PUTs of a loop that wait for S3's answer, and as many GETs: neither waits for the other."""


class LoopWire:
    """Requests to one bucket, each signed.

    Args:
        place: where it is, as requests reach it.
        signers: what signs each request.
    """

    def __init__(self, place: BucketPlace, signers: Signers) -> None:
        self._place = place
        self._signed = partial(signed, place, signers)
        self._putting, self._getting = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
        self._origin = Origin("https" if place.is_tls else "http", *place.address)
        self._idle = Idle(MAX_IDLE_CONNECTIONS, MAX_IDLE_SECONDS)

    async def put(
        self,
        name: str,
        body: bytes,
        *,
        content_type: str,
        sha256: str,
        begun: Callable[[], None] | None = None,
    ) -> None:
        """Save an object; one that is there is replaced. `begun` is called when its turn comes."""
        sent = self._signed(
            "PUT", name, kept_with(content_type), sha256=sha256, size_bytes=len(body)
        )
        async with self._putting:
            if begun is not None:
                begun()
            answer = await self._asked("PUT", *sent, body)
            await _require_success("PutObject", answer)

    async def get(self, name: str) -> AsyncGenerator[bytes]:
        """An object's bytes as they come, at most 256 KB at once. Close it if you stop early."""
        async with self._getting:
            answer = await self._asked("GET", *self._signed("GET", name))
        if answer.status != HTTPStatus.OK:
            await _require_success("GetObject", answer)
        async with aclosing(answer.body) as pieces:
            if b"content-length" not in {word.lower() for word, _ in answer.headers}:
                raise StorageFailed("GetObject: an answer without a length")
            try:
                async for piece in pieces:
                    yield piece
            except TransportError as error:
                raise failed(error) from error

    async def end(self) -> None:
        """Close idle connections now, and the others after use."""
        self._idle.close()

    async def _asked(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> WireAnswer:
        """The answer, asked for once more where none came, or one that asks for that.

        That covers a kept connection that the server has just closed: the second is always new.
        """
        request = Request(
            method,
            path.encode("ascii"),
            [(word.encode("ascii"), value.encode("ascii")) for word, value in headers.items()],
            body,
            read_seconds=READ_TIMEOUT_SECONDS,
            write_seconds=READ_TIMEOUT_SECONDS,
        )
        keep = partial(self._idle.keep, self._origin)
        try:
            connection = self._idle.take(self._origin) or await self._new()
            answer = await connection.ask(request, ended=keep)
            if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return answer
            await answer.body.aclose()
        except (OSError, TransportError):
            pass
        try:
            return await (await self._new()).ask(request, ended=keep)
        except (OSError, TransportError) as error:
            raise failed(error) from error

    async def _new(self) -> Connection:
        loop = asyncio.get_running_loop()
        tls: ssl.SSLContext | None = None
        if self._place.is_tls:
            tls = await pools.storage(lambda: self._place.tls)  # read from a file once
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            _, connection = await loop.create_connection(Connection, *self._place.address, ssl=tls)
        return connection


async def _require_success(operation: str, answer: WireAnswer) -> None:
    """Read a short answer; raises unless it reports success."""
    words = b""
    async with aclosing(answer.body) as pieces:
        try:
            async for piece in pieces:
                words += piece
                if len(words) >= CHUNK_BYTES:  # no server has so much to say of it
                    break
        except TransportError as error:
            raise failed(error) from error
    require_ok(operation, answer.status, words)


wires: PerLoop[LoopWire] = PerLoop()
"""By place and what signs."""
