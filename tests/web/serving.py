"""A real server on loopback: uvicorn with our protocol in front of any ASGI application."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn

from pictor.web.connection_limits import process_connections
from pictor.web.edge import App
from pictor.web.protocol import Protocol

ANSWER_SECONDS = 20


@dataclass
class Wire:
    """A connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_answered(self) -> bool:
        """True if anything has come back, including an end of the connection."""
        return self.reader.at_eof() or bool(self.reader._buffer)  # type: ignore[attr-defined]  # noqa: SLF001 - no public way to look without taking

    async def send(self, data: bytes) -> None:
        """Send; raises if the connection is closed."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        """The next answer's status line and headers."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def rest(self) -> bytes:
        """Everything until the server ends the connection."""
        async with asyncio.timeout(ANSWER_SECONDS):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@dataclass
class Served:
    """A running server."""

    port: int
    server: uvicorn.Server
    wires: list[Wire] = field(default_factory=list)

    async def connect(self, data: bytes = b"") -> Wire:
        """A new connection, with its first bytes."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.port))
        self.wires.append(wire)
        if data:
            await wire.send(data)
        return wire


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[Served]:
    """The server for as long as the block runs."""
    process_connections.cache_clear()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    served = Served(listener.getsockname()[1], server)
    try:
        yield served
    finally:
        for wire in served.wires:
            wire.writer.transport.abort()
        server.force_exit = True
        for task in server.server_state.tasks:
            task.cancel()
        await server.shutdown(sockets=[listener])
        process_connections.cache_clear()


async def echo(scope, receive, send):
    """Read the whole body; answer its length and the headers."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    names = b",".join(name for name, _ in scope["headers"])
    answer = b"%d %s" % (size, names)
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def refused(answer: bytes) -> tuple[int, str]:
    """Status and code of the only answer, which ends the connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert answer.count(b"HTTP/1.1") == 1
    return int(head.split()[1]), json.loads(body)["error"]["code"]
