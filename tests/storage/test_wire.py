"""The wire against servers that do what a test says: its requests, and answers that go wrong."""

import asyncio
import hashlib
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from storage import wire as module
from storage.wire import ObjectMissing, ObjectStream, Place, StorageFailed, Wire
from tests.kit.calls import make_certificate
from tests.raw_server import Received, running
from tests.storage.answers import OK, answered, signers

MISSING = b"<Error><Code>NoSuchKey</Code></Error>"

pytestmark = pytest.mark.anyio


@pytest.fixture
def wire(server: Any) -> Iterator[Wire]:
    made = Wire(Place(server.url, "images"), signers)
    yield made
    made.close()


def put(wire: Wire, data: bytes = b"picture") -> None:
    wire.put(
        "20261120/1-0.png",
        lambda: [data[:3], data[3:]],
        size_bytes=len(data),
        content_type="image/png",
        sha256=hashlib.sha256(data).hexdigest(),
    )


async def test_saving_is_one_request_with_the_digest_of_its_body(server, wire):
    server.answers += [OK, OK]

    await asyncio.to_thread(put, wire)
    await asyncio.to_thread(put, wire, b"")

    sent, empty = server.received
    assert (sent.method, sent.target, sent.body) == ("PUT", "/images/20261120/1-0.png", b"picture")
    assert sent.headers["content-type"] == "image/png"
    assert sent.headers["x-amz-content-sha256"] == hashlib.sha256(b"picture").hexdigest()
    assert empty.headers["content-length"] == "0"
    assert server.connections == 1


async def test_a_spool_is_sent_from_its_beginning_again_where_a_connection_was_closed(server, wire):
    server.answers += [OK, None, OK]

    await asyncio.to_thread(put, wire)
    await asyncio.to_thread(put, wire)

    assert [request.body for request in server.received] == [b"picture"] * 3
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([None, None], "RemoteDisconnected"),
        ([answered("503 Slow Down", b"<Code>SlowDown</Code>")] * 2, "PutObject: SlowDown"),
        ([answered("403 Forbidden", b"<Code>AccessDenied</Code>")], "PutObject: AccessDenied"),
        ([answered("404 Not Found", b"<Code>NoSuchBucket</Code>")], "PutObject: NoSuchBucket"),
        ([answered("301 Moved", b"", "Location: http://10.0.0.1/")], "PutObject: 301"),
    ],
)
async def test_what_is_not_saved_says_why(server, wire, answers, words):
    server.answers += answers

    with pytest.raises(StorageFailed, match=words) as raised:
        await asyncio.to_thread(put, wire)

    assert len(server.received) == len(answers)
    assert not isinstance(raised.value, ObjectMissing)


async def test_a_second_try_may_do(server, wire):
    server.answers += [answered("500 Oops"), OK]

    await asyncio.to_thread(put, wire)

    assert len(server.received) == 2


def read(wire: Wire, how: Callable[[ObjectStream], object]) -> object:
    with wire.get("20261120/1-0.png") as stream:
        return how(stream)


async def test_what_was_read_to_its_end_leaves_its_connection_to_the_next(server, wire):
    server.answers += [answered("200 OK", b"picture"), answered("404 Not Found", MISSING), OK]

    whole = await asyncio.to_thread(read, wire, list)
    with pytest.raises(ObjectMissing, match="GetObject: NoSuchKey"):
        await asyncio.to_thread(read, wire, list)
    await asyncio.to_thread(put, wire)

    assert whole == [b"picture"]
    assert server.connections == 1


async def test_what_was_not_read_to_its_end_takes_its_connection_with_it(server, wire):
    server.answers += [answered("200 OK", b"picture"), OK]

    begun = await asyncio.to_thread(read, wire, lambda stream: stream.read(3))
    await asyncio.to_thread(put, wire)

    assert begun == b"pic"
    assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(params=["http", "https"])
async def stalled(
    request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """The url of a server that sends three bytes of seven, and then nothing more."""
    monkeypatch.setattr(certifi, "where", lambda: certificate)
    tls = None
    if request.param == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)

    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answered("200 OK", b"picture")[:-4])

    async with running(script, tls=tls) as server:
        yield f"{request.param}://localhost:{server.port}"


async def test_what_is_read_in_another_thread_can_be_closed_at_once(stalled):
    wire = Wire(Place(stalled, "images"), signers)
    stream = await asyncio.to_thread(wire.get, "20261120/1-0.png")
    begun = threading.Event()

    def read_on() -> bytes:
        begun.set()
        return stream.read()

    async with asyncio.timeout(10):
        reading = asyncio.create_task(asyncio.to_thread(read_on))
        await asyncio.to_thread(begun.wait)
        await asyncio.to_thread(stream.close)
        with pytest.raises(StorageFailed, match="did not come"):
            await reading

    assert stream.read() == b""


async def test_a_stream_that_is_closed_takes_no_connection_from_the_next(server, wire):
    server.answers += [answered("200 OK", b"picture"), OK]
    stream = await asyncio.to_thread(wire.get, "20261120/1-0.png")

    def close_while_it_is_kept(exchange: Any) -> None:
        Wire.keep(wire, exchange)
        stream.close()

    wire.keep = close_while_it_is_kept
    whole = await asyncio.to_thread(stream.read)
    del wire.keep
    await asyncio.to_thread(put, wire)

    assert whole == b"picture"
    assert server.connections == 1


async def test_a_connection_that_was_idle_for_long_is_not_used_again(server, wire, monkeypatch):
    server.answers += [OK, OK]

    await asyncio.to_thread(put, wire)
    monkeypatch.setattr(module, "MAX_IDLE_SECONDS", 0)
    await asyncio.to_thread(put, wire)

    assert server.connections == 2


async def test_an_object_is_looked_for_without_its_bytes(server, wire):
    server.answers += [
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n",
    ]

    await asyncio.to_thread(wire.require, "20261120/1-0.png")
    with pytest.raises(ObjectMissing, match="HeadObject: 404"):
        await asyncio.to_thread(wire.require, "20261120/1-0.png")

    assert [request.method for request in server.received] == ["HEAD", "HEAD"]
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        answered("200 OK", b"picture", "Connection: close").replace(b": 7", b": 9"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npicture",
    ],
)
async def test_an_object_that_is_cut_short_is_a_failure(server, wire, answer):
    server.answers += [answer, None]

    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    server.script = script
    with pytest.raises(StorageFailed, match=r"did not come|without a length"):
        await asyncio.to_thread(read, wire, list)


async def test_a_signed_request_names_the_port_only_where_it_is_unusual():
    hosts = [
        Place(f"{url}/", "b").host for url in ("http://s3:80", "https://s3:443", "http://s3:9")
    ]

    assert hosts == ["s3", "s3", "s3:9"]


@pytest.mark.parametrize(
    ("url", "reached"),
    [("http://[::1]", ("::1", 80)), ("https://[::1]", ("::1", 443)), ("http://s3:9", ("s3", 9))],
)
async def test_a_server_is_reached_at_the_usual_port_where_none_is_named(url, reached):
    connection = Place(url, "images").connection()

    assert (connection.host, connection.port) == reached
