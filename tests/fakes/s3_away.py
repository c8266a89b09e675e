"""A front before an S3 server that passes everything on, or fails as a test says."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.raw_server import RawServer, Script, hangs, says

FORBIDDEN = says(b"<Error><Code>AccessDenied</Code></Error>", status=403)
NO_BUCKET = says(b"<Error><Code>NoSuchBucket</Code></Error>", status=404)
FULL = says(b"<Error><Code>XMinioStorageFull</Code></Error>", status=507)
FAILURES: dict[str, Script | None] = {
    "refuses": None,
    "hangs": hangs,
    "forbids": FORBIDDEN,
    "is full": FULL,
    "has no bucket": NO_BUCKET,
}
"""Ways in which an S3 server is away; None: no listener."""


class S3Front:
    """A server on a port and a loop of its own; its methods are for other threads.

    Every change ends the open connections, like a server that goes or comes back.
    """

    def __init__(self, server_url: str) -> None:
        self._server = urlsplit(server_url)
        self._script: Script | None = None
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._port = self._turns = 0

    @property
    def url(self) -> str:
        """The address of the front."""
        return f"http://127.0.0.1:{self._port}"

    def passes(self) -> None:
        """Pass everything on to the server."""
        self._do(self._turned(None, listens=True))

    def fails(self, how: str) -> None:
        """Fail in one of the ways of FAILURES."""
        script = FAILURES[how]
        self._do(self._turned(script, listens=script is not None))

    def run(self) -> None:
        """Run the loop in its thread."""
        self._loop.run_forever()
        self._loop.run_until_complete(_all_ended())
        self._loop.close()

    def end(self) -> None:
        """Close everything, and end the thread."""
        self._do(self._turned(None, listens=False))
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, change: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(change, self._loop).result(10)

    async def _turned(self, script: Script | None, *, listens: bool) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._script, self._turns = script, self._turns + 1
        for connection in self._open:
            connection.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if listens:
            taken = partial(self._taken, self._turns)
            self._listener = await asyncio.start_server(taken, "127.0.0.1", self._port)
            self._port = self._listener.sockets[0].getsockname()[1]

    async def _taken(
        self, turn: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        if turn != self._turns:  # accepted before the change, and begun only now
            writer.transport.abort()
            return
        self._open.add(task)
        try:
            if self._script is None:
                await self._passed_on(reader, writer)
            else:
                await RawServer(self._script).serve(reader, writer)
        except (asyncio.CancelledError, OSError):
            writer.transport.abort()
        finally:
            self._open.discard(task)

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._server.hostname, self._server.port
        far_reader, far_writer = await asyncio.open_connection(host, port)
        ways = [
            asyncio.ensure_future(_copied(reader, far_writer)),
            asyncio.ensure_future(_copied(far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            far_writer.close()
            writer.close()


async def _all_ended() -> None:
    """Let connections end that were accepted as the front closed, with their transports."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
    await asyncio.sleep(0)


async def _copied(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()


@contextmanager
def front_of(server_url: str) -> Iterator[S3Front]:
    """The front for as long as the block runs; it passes everything on at first."""
    front = S3Front(server_url)
    thread = threading.Thread(target=front.run)
    thread.start()
    try:
        front.passes()
        yield front
    finally:
        front.end()
        thread.join(10)
