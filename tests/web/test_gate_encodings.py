"""The body gate and Content-Encoding: only gzip, with a cap on the inflated size."""

import asyncio
import gzip
import zlib

import pytest

from pictor.web import gate
from tests.web.conftest import body_of, call, make_exchange
from tests.web.gates import (
    GZIP,
    KILOBYTE,
    MEGABYTE,
    UNKNOWN,
    app,
    error_of,
    inner,
    length,
    short_drain,
)

__all__ = ["app", "inner", "short_drain"]

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip "])
async def test_a_gzip_body_is_unpacked(app, inner, bearer, encoding):
    packed = gzip.compress(b'{"prompt":"a fox"}')

    exchange = await call(
        app,
        headers={**bearer, **length(len(packed)), "Content-Encoding": encoding},
        messages=body_of(packed[:7], packed[7:]),
    )

    assert (exchange.status, inner.skeletons) == (200, [b'{"prompt":"a fox"}'])


async def test_identity_is_no_encoding(app, inner, bearer):
    headers = {**bearer, **length(2), "Content-Encoding": "identity"}

    await call(app, headers=headers, messages=body_of(b"{}"))

    assert inner.skeletons == [b"{}"]


async def test_a_gzip_bomb_is_refused_while_it_grows(app, inner, bearer, settings):
    settings.MAX_JSON_BYTES = MEGABYTE
    packed = gzip.compress(b" " * (50 * MEGABYTE))
    assert len(packed) < 64 * KILOBYTE

    exchange = await call(
        app, headers={**bearer, **length(len(packed)), **GZIP}, messages=body_of(packed)
    )

    assert error_of(exchange) == (413, "request_too_large")
    assert inner.skeletons == []


async def test_others_have_their_turns_while_a_gzip_body_is_unpacked(app, bearer):
    packed = gzip.compress(b'{"image": "%s"}' % (b"A" * 20 * MEGABYTE))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    exchange = make_exchange(
        headers={**bearer, **length(len(packed)), **GZIP}, messages=body_of(packed)
    )
    counting: list[asyncio.Task[None]] = []

    async def receive():
        counting.append(asyncio.create_task(count()))
        return await exchange.receive()

    await app(exchange.scope, receive, exchange.send)

    counting[0].cancel()
    assert exchange.status == 200
    assert turns > 20 * MEGABYTE / gate.LARGE_BYTES


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (gzip.compress(b'{"a":1}' * 100, mtime=0)[:-12], "cut short"),
        (b"", "cut short"),
        (b"not gzip at all", "not gzip"),
        (zlib.compress(b"{}"), "not gzip"),
        (gzip.compress(b"{}", mtime=0)[:-8] + b"\0" * 8, "not gzip"),
        (gzip.compress(b"{}", mtime=0) + b"\0", "after the end"),
        (gzip.compress(b"{}", mtime=0) * 2, "after the end"),
        (gzip.compress(b" " * 300_000, mtime=0) + b"\0", "after the end"),
    ],
    ids=[
        "truncated",
        "empty",
        "plain",
        "deflate",
        "wrong checksum",
        "junk after it",
        "two",
        "large",
    ],
)
async def test_a_broken_gzip_body_is_refused(app, inner, bearer, packed, why):
    exchange = await call(
        app, headers={**bearer, **length(len(packed)), **GZIP}, messages=body_of(packed)
    )

    assert error_of(exchange) == (400, "invalid_json")
    assert why in exchange.body.decode()
    assert inner.skeletons == []


async def test_bytes_after_a_gzip_body_are_refused_as_they_come(app, inner, bearer):
    """Not at the end: kept until then, it would grow and be copied with every chunk."""
    exchange = make_exchange(
        headers={**bearer, "Transfer-Encoding": "chunked", **GZIP},
        messages=body_of(gzip.compress(b"{}"), b"\0", b"\0"),
    )
    received = 0
    answered_after = []

    async def receive():
        nonlocal received
        received += 1
        return await exchange.receive()

    async def send(message):
        answered_after.append(received)
        await exchange.send(message)

    await app(exchange.scope, receive, send)

    assert error_of(exchange) == (400, "invalid_json")
    assert answered_after[0] == 2
    assert inner.skeletons == []


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "x" * 1000])
async def test_another_encoding_is_refused(app, bearer, encoding):
    exchange = await call(
        app,
        headers={**bearer, **length(2), "Content-Encoding": encoding},
        messages=body_of(b"{}"),
    )

    assert error_of(exchange) == (415, "unsupported_media_type")


async def test_before_a_packed_body_is_read_the_key_is_looked_up(app, pooled_connections):
    packed = gzip.compress(b"{}")

    exchange = await call(
        app, headers={**UNKNOWN, **length(len(packed)), **GZIP}, messages=body_of(packed)
    )

    assert error_of(exchange) == (401, "invalid_api_key")
    assert exchange.events[0] == "start"
