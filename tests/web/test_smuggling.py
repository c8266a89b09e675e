"""No body is read as a request: ambiguous requests are refused, or read in one way only."""

import pytest

from tests.web.serving import echo, refused, serving

pytestmark = [pytest.mark.anyio, pytest.mark.thorough]

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\n"
LENGTH = b"Content-Length: %d\r\n" % (5 + len(HIDDEN))
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NO_CHUNKS = b"0\r\n\r\n" + HIDDEN


@pytest.fixture
async def server():
    async with serving(echo) as served:
        yield served


@pytest.mark.parametrize(
    "headers",
    [
        CHUNKED + LENGTH,
        LENGTH + CHUNKED,
        CHUNKED + b"Content-Length: 0\r\n",
        b"Content-Length: 0\r\n" + LENGTH,
        LENGTH + b"Content-Length: 5\r\n",
        b"Content-Length: 5, 40\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 5 5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 5;\r\n",
        b"Content-Length: \xd9\xa5\r\n",
        b"Content-Length : 5\r\n",
        b"Content-Length\r\n",
        b"Transfer-Encoding : chunked\r\n" + LENGTH,
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: identity, chunked\r\n" + LENGTH,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: \x0bchunked\r\n" + LENGTH,
        b"Transfer-Encoding: gzip\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n" + LENGTH,
        b"X: a\rTransfer-Encoding: chunked\r\n" + LENGTH,
        b"X: a\x00\r\n" + LENGTH,
        b" X: a\r\n" + LENGTH,
    ],
)
async def test_an_ambiguous_request_is_refused(server, headers):
    wire = await server.connect(POST + headers + b"\r\n" + NO_CHUNKS)

    assert refused(await wire.rest()) == (400, "invalid_value")


@pytest.mark.parametrize(
    "chunks",
    [
        b"5 \r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\r0\r\n\r\n",
        b"-1\r\nhello\r\n0\r\n\r\n",
        b"\r\n5\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff5\r\nhello\r\n0\r\n\r\n",
    ],
)
async def test_a_chunk_that_is_written_otherwise_ends_the_connection(server, chunks):
    wire = await server.connect(POST + CHUNKED + b"\r\n" + chunks + HIDDEN)

    assert refused(await wire.rest()) == (400, "invalid_value")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: %d\r\n" % len(HIDDEN), HIDDEN),
        (CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
        (b"transfer-encoding: CHUNKED\r\n", b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
    ],
)
async def test_a_request_within_a_body_is_its_text(server, headers, body):
    wire = await server.connect(POST + headers + b"Connection: close\r\n\r\n" + body)

    answer = await wire.rest()

    assert answer.count(b"HTTP/1.1") == 1
    assert answer.partition(b"\r\n\r\n")[2].startswith(b"%d " % len(HIDDEN))
