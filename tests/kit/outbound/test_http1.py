"""One connection: every way in which an answer may come and end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pictor.kit.outbound.http import HttpPool, NotReached, Payload
from tests.fakes.raw_server import Received, is_at_most, says, sends
from tests.kit.calls import MEGABYTE, fetch, whole

pytestmark = pytest.mark.anyio

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", b"hello"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello and more",
            b"hello",
        ),
        (CHUNKED + b"5;a=b\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n", b"hello"),
        (CHUNKED[:-2] + b"Content-Length: 9\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello"),
        (
            b"HTTP/1.1 103 x\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            b"hello",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
async def test_every_way_to_end_a_body_is_understood(pool, server, raw, body):
    server.script = sends(raw)

    assert await fetch(pool, server.url) == body
    assert await fetch(pool, server.url) == body


async def test_a_body_cut_into_chunks_of_a_byte_comes_in_pieces_as_it_was_read(pool, server):
    server.script = sends(CHUNKED + b"1\r\nx\r\n" * 10_000 + b"0\r\n\r\n")

    async with pool.exchange("GET", server.url) as answer:
        pieces = [piece async for piece in answer.chunks(MEGABYTE)]

    assert b"".join(pieces) == b"x" * 10_000
    assert len(pieces) < 1000


async def test_a_second_answer_is_nobodys(pool, server):
    one = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"

    async def twice(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(one + b"one" + one + b"two")

    server.script = twice
    bodies = [await fetch(pool, server.url) for _ in range(2)]

    assert bodies == [b"one", b"one"]
    assert server.connections == 2


async def test_unsolicited_bytes_are_not_taken_for_an_answer(pool, server):
    is_read = asyncio.Event()

    async def says_more(request: Received, writer: asyncio.StreamWriter) -> None:
        await says(b"one")(request, writer)
        await is_read.wait()
        await says(b"late")(request, writer)

    server.script = says_more
    assert await fetch(pool, server.url) == b"one"
    is_read.set()
    await is_at_most(server, 0)

    server.script = says(b"two")
    assert await fetch(pool, server.url) == b"two"


async def test_a_line_end_in_a_header_is_not_sent(pool, server):
    exchange = pool.exchange("GET", server.url, headers={"X-Tag": "a\r\nX-Other: b"})

    with pytest.raises(NotReached):
        async with exchange:
            pass

    assert (server.received, exchange.is_sent) == ([], False)


async def test_an_early_answer_ends_the_sending():
    is_over = asyncio.Event()

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 x\r\nContent-Length: 3\r\n\r\nbig")
        await is_over.wait()
        writer.transport.abort()

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield bytes(MEGABYTE)

    listener = await asyncio.start_server(refuses, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    own = HttpPool(egress_allow=[f"127.0.0.1:{port}"])
    payload = Payload(1000 * MEGABYTE, pieces)

    async with own.exchange("POST", f"http://127.0.0.1:{port}/", body=payload) as answer:
        assert (answer.status, await whole(answer, 10)) == (413, b"big")

    is_over.set()
    await own.aclose()
    listener.close()


async def test_bytes_that_nobody_takes_are_not_read(pool, server):
    sent = 0

    async def floods(_request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        for _ in range(100):
            writer.write(bytes(MEGABYTE))
            await writer.drain()
            sent += 1

    server.script = floods
    async with pool.exchange("GET", server.url) as answer:
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.2)  # it goes on only while its body is read, which is tested here
        assert sent < 50
        assert len(await whole(answer, 100 * MEGABYTE)) == 100 * MEGABYTE
