"""Small objects in, from an event loop: the PUT of wire.py without a thread.

A thread costs a small image more than its bytes do: it is woken, fights the loop for the
interpreter's lock at each step, and reads the answer's head with a parser of e-mails. Connections
are kept for the next PUT and end with their loop. Raises StorageFailed.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from http import HTTPStatus

from pictor.kit import pools
from pictor.kit.http1 import Connection, Request, TransportError
from pictor.kit.per_loop import PerLoop
from pictor.kit.spool import CHUNK_BYTES
from storage.signing import Signers
from storage.wire import (
    CONNECT_TIMEOUT_SECONDS,
    MAX_IDLE_CONNECTIONS,
    MAX_IDLE_SECONDS,
    READ_TIMEOUT_SECONDS,
    Place,
    failed,
    kept_with,
    refused,
    signed,
)

AT_ONCE = 16
"""PUTs of a loop, as many as there are threads for others."""


class LoopWire:
    """PUTs to one bucket, each signed.

    Args:
        place: where it is, as requests reach it.
        signers: what signs each request.
    """

    def __init__(self, place: Place, signers: Signers) -> None:
        self._place = place
        self._signers = signers
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._idle: list[tuple[float, Connection]] = []

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
        path, headers = signed(
            self._place,
            self._signers,
            "PUT",
            name,
            kept_with(content_type),
            body_sha256=sha256,
            size_bytes=len(body),
        )
        request = Request(
            "PUT",
            path.encode("ascii"),
            [(word.encode("ascii"), value.encode("ascii")) for word, value in headers.items()],
            body,
            read_seconds=READ_TIMEOUT_SECONDS,
            write_seconds=READ_TIMEOUT_SECONDS,
        )
        async with self._turns:
            if begun is not None:
                begun()
            status, words = await self._asked(request)
        if status != HTTPStatus.OK:
            raise refused("PutObject", status, words)

    async def end(self) -> None:
        """Close the connections that nobody uses."""
        while self._idle:
            self._idle.pop()[1].close()

    async def _asked(self, request: Request) -> tuple[int, bytes]:
        """Status and body, asked for once more where none came, or one that asks for that.

        That covers a kept connection that the server has just closed: the second is always new.
        """
        try:
            status, words = await self._once(self._kept() or await self._new(), request)
            if status < HTTPStatus.INTERNAL_SERVER_ERROR:
                return status, words
        except (OSError, TransportError):
            pass
        try:
            return await self._once(await self._new(), request)
        except (OSError, TransportError) as error:
            raise failed(error) from error

    async def _once(self, connection: Connection, request: Request) -> tuple[int, bytes]:
        answer, words = await connection.ask(request, ended=self._keep), b""
        try:
            async for piece in answer.body:
                words += piece
                if len(words) >= CHUNK_BYTES:  # no server has so much to say of it
                    break
        finally:
            await answer.body.aclose()
        return answer.status, words

    def _keep(self, connection: Connection) -> None:
        """Have it used again, if it is fit for that."""
        if not connection.is_usable:
            return
        if len(self._idle) < MAX_IDLE_CONNECTIONS:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()

    def _kept(self) -> Connection | None:
        """The one that was used last, if the server has not closed it."""
        while self._idle:
            since, connection = self._idle.pop()
            if time.monotonic() - since < MAX_IDLE_SECONDS and connection.is_usable:
                return connection
            connection.close()
        return None

    async def _new(self) -> Connection:
        loop = asyncio.get_running_loop()
        tls: ssl.SSLContext | None = None
        if self._place.is_tls:
            tls = await pools.storage(lambda: self._place.tls)  # read from a file once
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            _, connection = await loop.create_connection(Connection, *self._place.address, ssl=tls)
        return connection


wires: PerLoop[LoopWire] = PerLoop()
"""By place and what signs."""
