"""How an answer's bytes reach the client: at once, dripping, cut in half, or not at all."""

import asyncio
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn

from aiohttp import web

from sandbox.answers import Payload

_AT_ONCE_BYTES: Final = 256 << 10
"""Smaller answers go out in one write."""

_DRIP_SECONDS: Final = 1.0
_LINGER_NOT_AT_ALL: Final = struct.pack("ii", 1, 0)


async def send(request: web.Request, payload: Payload, *, drip: bool) -> web.StreamResponse:
    """Answer 200 with the whole JSON body."""
    if not drip and payload.size_bytes <= _AT_ONCE_BYTES:
        return web.Response(body=b"".join(payload.pieces()), content_type="application/json")
    response = await _begin(request, payload)
    await write(response, payload, drip=drip)
    await response.write_eof()
    return response


async def send_half(request: web.Request, payload: Payload) -> web.StreamResponse:
    """Announce the whole body, send half of it and close the connection."""
    response = await _begin(request, payload)
    await write_half(response, payload)
    return hang_up(request, response)


async def write(response: web.StreamResponse, payload: Payload, *, drip: bool) -> None:
    """Send a body's pieces as fast as the client takes them, or one byte a second."""
    for piece in payload.pieces():
        if not drip:
            await response.write(piece)
            continue
        for value in piece:
            await response.write(bytes((value,)))
            await asyncio.sleep(_DRIP_SECONDS)


async def write_half(response: web.StreamResponse, payload: Payload) -> None:
    """Send the first half of a body."""
    for piece in _first(payload.pieces(), payload.size_bytes // 2):
        await response.write(piece)


def hang_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection once what was written has left; the answer stays unfinished."""
    response.force_close()
    if request.transport is not None:
        request.transport.close()
    return response


def reset(request: web.Request) -> web.StreamResponse:
    """Abort the connection: the client sees a TCP reset."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
        transport.abort()
    return web.Response()


async def hang() -> NoReturn:
    """Wait until the client leaves, which cancels the request."""
    while True:
        await asyncio.Event().wait()


async def _begin(request: web.Request, payload: Payload) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = "application/json"
    response.content_length = payload.size_bytes
    await response.prepare(request)
    return response


def _first(pieces: Iterable[bytes], limit_bytes: int) -> Iterator[bytes]:
    left = limit_bytes
    for piece in pieces:
        if left <= 0:
            return
        yield piece[:left]
        left -= len(piece)
