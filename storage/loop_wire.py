"""Objects in and out on an event loop, without a thread: PUT from memory, GET of any size.

A thread costs a small image more than its bytes do: it has to be woken, and competes with the loop
for the interpreter lock at each step. Connections are kept for the next request and end with their
loop. Raises StorageFailed.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from http import HTTPStatus

from pictor.kit.bytes.spool import CHUNK_BYTES
from pictor.kit.database import pools
from pictor.kit.outbound.connections import Destination, Idle
from pictor.kit.outbound.http1 import HttpConnection, Request, TransportError, WireAnswer
from pictor.kit.running.per_loop import PerLoop
from storage.signing import Signers
from storage.wire import (
    CONNECT_TIMEOUT_SECONDS,
    MAX_IDLE_CONNECTIONS,
    MAX_IDLE_SECONDS,
    READ_TIMEOUT_SECONDS,
    BucketPlace,
    StorageFailed,
    failure_of,
    kept_with,
    require_ok,
    signed_request,
)

MAX_REQUESTS_AT_ONCE = 16
"""The most PUTs of a loop at once, and as many GETs; the two do not wait for each other."""


class LoopWire:
    """Signed requests to one bucket.

    Args:
        place: the bucket's address for requests.
        signers: returns the signer of each request.
    """

    def __init__(self, place: BucketPlace, signers: Signers) -> None:
        self._place = place
        self._signed = partial(signed_request, place, signers)
        self._putting = asyncio.Semaphore(MAX_REQUESTS_AT_ONCE)
        self._getting = asyncio.Semaphore(MAX_REQUESTS_AT_ONCE)
        self._origin = Destination("https" if place.is_tls else "http", *place.address)
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
        """Save an object, replacing an existing one. `begun` is called when the request starts."""
        sent = self._signed(
            "PUT", name, kept_with(content_type), sha256=sha256, size_bytes=len(body)
        )
        async with self._putting:
            if begun is not None:
                begun()
            answer = await self._send("PUT", *sent, body)
            await _require_success("PutObject", answer)

    async def get(self, name: str) -> AsyncGenerator[bytes]:
        """Yield an object's bytes as they arrive, at most 256 KB at once. Close it to stop."""
        # Only until its head has come: a slow reader must not keep a turn (ADR 0044).
        async with self._getting:
            answer = await self._send("GET", *self._signed("GET", name))
        if answer.status != HTTPStatus.OK:
            await _require_success("GetObject", answer)
        async with aclosing(answer.body) as pieces:
            # Without a length, an answer that is cut short would look whole.
            if b"content-length" not in {word.lower() for word, _ in answer.headers}:
                raise StorageFailed("GetObject: an answer without a length")
            try:
                async for piece in pieces:
                    yield piece
            except TransportError as error:
                raise failure_of(error) from error

    async def end(self) -> None:
        """Close idle connections now, and the others after use."""
        self._idle.close()

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> WireAnswer:
        """Return the answer; without one, or after a 5xx, send the request once more.

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
            raise failure_of(error) from error

    async def _new(self) -> HttpConnection:
        loop = asyncio.get_running_loop()
        tls: ssl.SSLContext | None = None
        if self._place.is_tls:
            tls = await pools.storage(lambda: self._place.tls)  # read from a file once
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):  # its TimeoutError is an OSError
            _, connection = await loop.create_connection(
                HttpConnection, *self._place.address, ssl=tls
            )
        return connection


async def _require_success(operation: str, answer: WireAnswer) -> None:
    """Read a short answer; raise unless it reports success."""
    words = b""
    async with aclosing(answer.body) as pieces:
        try:
            async for piece in pieces:
                words += piece
                if len(words) >= CHUNK_BYTES:  # no server's error is that long
                    break
        except TransportError as error:
            raise failure_of(error) from error
    require_ok(operation, answer.status, words)


wires: PerLoop[LoopWire] = PerLoop()
"""The clients of each loop, by place and signers."""
