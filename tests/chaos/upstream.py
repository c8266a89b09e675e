"""Upstreams of a chaos run: one that delivers, and one that does whatever hurts.

The delivering one has a poisonous prompt: the process that sends it is killed while it waits, like
one whose decoder crashes. A greedy prompt takes long. It counts the calls of every order.
"""

import asyncio
import base64
import contextlib
import io
import json
import random
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from PIL import Image

from tests.fakes.raw_server import RawServer, Received, Script, drips, hangs, says, sends

POISON, GREEDY = "poison", "greedy"
SECONDS = (0.2, 1.2)
"""Time of an honest image."""
SLOW_SECONDS = (10.0, 30.0)
"""Time of a greedy image."""
LOOK_SECONDS = 0.5


@dataclass
class Honest:
    """Delivers; `kill` ends the process that sent the poison."""

    kill: Callable[[], None]
    calls: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=random.Random)
    is_over: threading.Event = field(default_factory=threading.Event)
    """Set when nothing may take long any more."""

    def begun(self, kind: str) -> int:
        """Return the number of orders of that kind sent here."""
        return sum(prompt.startswith(kind) for prompt in list(self.calls))

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        body = json.loads(request.body or b"{}")
        prompt = str(body.get("prompt"))
        is_greedy = prompt.startswith(GREEDY)
        self.calls[prompt] += 1
        await self._take(self.dice.uniform(*(SLOW_SECONDS if is_greedy else SECONDS)))
        if prompt.startswith(POISON):
            await asyncio.to_thread(self.kill)
        await says(_answer(_png(str(body.get("size")))))(request, writer)

    async def _take(self, seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0 and not self.is_over.is_set():
            await asyncio.sleep(min(left, LOOK_SECONDS))


def _answer(*images: bytes) -> bytes:
    data = [{"b64_json": base64.b64encode(image).decode()} for image in images]
    return json.dumps({"created": 1, "data": data}).encode()


@cache
def _png(size: str) -> bytes:
    width, _, height = size.partition("x")
    file = io.BytesIO()
    Image.new("RGB", (int(width), int(height)), (40, 90, 140)).save(file, "PNG")
    return file.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _text_bomb() -> bytes:
    """A small picture with 100 texts that inflate to 8 MB each."""
    plain = _png("1024x1024")
    text = _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(8_000_000), 9))
    return plain[:33] + text * 100 + plain[33:]


def _pixel_bomb() -> bytes:
    """A picture that claims 50,000 x 50,000 pixels."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
    )


def _gzip_bomb() -> bytes:
    squeezed = zlib.compressobj(9, zlib.DEFLATED, 31)
    return squeezed.compress(b" " * 300_000_000) + squeezed.flush()


_ERROR = b'{"error": {"message": "no", "type": "x", "code": "x"}}'


@cache
def _tricks() -> list[Script]:
    """Made on first use: compressing 300 MB into one of them takes most of a second."""
    return [
        says(_ERROR, status=500),
        says(_ERROR, status=429, headers={"Retry-After": "1"}),
        says(_ERROR),
        says(b"<html>hello</html>", headers={"Content-Type": "text/html"}),
        says(_answer()),
        says(_answer(b"no image")),
        says(_answer(_png("512x512"))),
        says(_answer(_png("1024x1024"), _png("1024x1024"))),
        says(_answer(_text_bomb())),
        says(_answer(_pixel_bomb())),
        says(_gzip_bomb(), headers={"Content-Encoding": "gzip"}),
        says(b"[" * 2_000_000),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{", then_reset=True),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{"),
        sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 3_000_000),
        drips,
        hangs,
    ]


@dataclass
class Hostile:
    """Misbehaves, in random order."""

    dice: random.Random
    tricks: list[Script] = field(default_factory=_tricks)

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        script = self.dice.choice(self.tricks)
        await script(request, writer)


@contextlib.contextmanager
def serving(script: Script, port: int) -> Iterator[None]:
    """The script as a server on that port of 127.0.0.1, in a thread of its own."""
    has_begun = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    is_over = asyncio.Event()

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        server = RawServer(script)
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if (task := asyncio.current_task()) is not None:
                tasks.add(task)  # asyncio itself drops one whose client has left
                task.add_done_callback(tasks.discard)
            with contextlib.suppress(asyncio.CancelledError):
                await server.serve(reader, writer)

        async with await asyncio.start_server(serve, "127.0.0.1", port, backlog=1024):
            has_begun.set()
            await is_over.wait()
            for task in tasks:
                task.cancel()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    has_begun.wait(10)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(is_over.set)
        thread.join(10)
