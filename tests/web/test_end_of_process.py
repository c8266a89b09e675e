"""Connections of a web process that ends."""

import asyncio

import pytest

from tests.web.serving import serving

pytestmark = pytest.mark.anyio

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


async def hello(scope, receive, send):
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


async def test_a_request_that_meets_the_end_is_answered_and_then_its_connection_ends():
    async with serving(hello) as served:
        idle, used = await served.connect(), await served.connect(GET)
        await used.head()
        await used.reader.readexactly(5)
        ending = asyncio.create_task(served.server.shutdown())
        await asyncio.sleep(0)  # the task has notified every connection

        await used.send(GET)

        assert b"connection: close\r\n" in await used.head()
        assert (await used.rest(), await idle.rest()) == (b"hello", b"")
        await ending
