"""Both wires, of threads and of a loop, against servers that follow a test's script."""

import asyncio
import hashlib
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import certifi
import httpx
import pytest

from pictor.kit.bytes.spool import Spools
from storage import loop_wire, wire
from storage.loop_wire import LoopWire
from storage.services import read_on_loop, upload_on_loop
from storage.signing import Signer
from storage.wire import BucketPlace, ObjectMissing, StorageFailed, Wire
from tests.fakes.raw_server import RawServer, Received, is_at_most, running, says, sends
from tests.kit.calls import make_certificate

NAME = "20261120/1-0.png"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
MISSING = b"<Error><Code>NoSuchKey</Code></Error>"

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The loops of workers and of asyncio."""
    return "asyncio", {"use_uvloop": request.param}


def answered(status: str, body: bytes = b"", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode() + body


def signers() -> Signer:
    return Signer("key", "secret", "us-east-1")


class ByThread:
    def __init__(self, url: str) -> None:
        self.wire = Wire(BucketPlace(url, "images"), signers)

    async def put(self, data: bytes = b"picture") -> None:
        await asyncio.to_thread(
            self.wire.put,
            NAME,
            lambda: [data[:3], data[3:]],
            size_bytes=len(data),
            content_type="image/png",
            sha256=hashlib.sha256(data).hexdigest(),
        )

    async def get(self) -> bytes:
        def read() -> bytes:
            with self.wire.get(NAME) as stream:
                return b"".join(stream)

        return await asyncio.to_thread(read)

    async def end(self) -> None:
        self.wire.close()


class ByLoop:
    def __init__(self, url: str) -> None:
        self.wire = LoopWire(BucketPlace(url, "images"), signers)

    async def put(self, data: bytes = b"picture") -> None:
        digest = hashlib.sha256(data).hexdigest()
        await self.wire.put(NAME, data, content_type="image/png", sha256=digest)

    async def get(self) -> bytes:
        return b"".join([piece async for piece in self.wire.get(NAME)])

    async def end(self) -> None:
        await self.wire.end()


by_thread = pytest.mark.parametrize("way", [ByThread], indirect=True)
by_loop = pytest.mark.parametrize("way", [ByLoop], indirect=True)


@pytest.fixture(params=[ByThread, ByLoop])
async def way(request: pytest.FixtureRequest, server: RawServer) -> AsyncIterator[Any]:
    """One of the wires; later patches apply to `type(way)(server.url)`."""
    way = request.param(server.url)
    yield way
    await way.end()


async def test_saving_is_one_request_with_the_digest_of_its_body(server, way):
    server.answers += [OK, OK]

    await way.put()
    await way.put(b"")

    sent, empty = server.received
    assert (sent.method, sent.target, sent.body) == ("PUT", "/images/20261120/1-0.png", b"picture")
    assert sent.headers["content-type"] == "image/png"
    assert sent.headers["cache-control"] == "private, max-age=3600"
    assert sent.headers["content-length"] == "7"
    assert sent.headers["x-amz-content-sha256"] == hashlib.sha256(b"picture").hexdigest()
    assert empty.headers["content-length"] == "0"
    assert server.connections == 1


async def test_a_body_is_sent_again_whole_when_a_kept_connection_was_closed(server, way):
    server.answers += [OK, None, OK]

    await way.put()
    await way.put()

    assert [request.body for request in server.received] == [b"picture"] * 3
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([None, None], "ReadError|RemoteProtocolError: Server disconnected"),
        ([b"what?\r\n\r\n"] * 2, "RemoteProtocolError"),
        ([answered("503 Slow Down", b"<Code>SlowDown</Code>")] * 2, "PutObject: SlowDown"),
        ([answered("403 Forbidden", b"<Code>AccessDenied</Code>")], "PutObject: AccessDenied"),
        ([answered("404 Not Found", b"<Code>NoSuchBucket</Code>")], "PutObject: NoSuchBucket"),
        ([answered("301 Moved", b"", "Location: http://10.0.0.1/")], "PutObject: 301"),
        ([answered("403 Forbidden", b"x" * 300_000)], "PutObject: 403"),
    ],
)
async def test_a_failed_put_says_why(server, way, answers, words):
    server.answers += answers

    with pytest.raises(StorageFailed, match=words) as raised:
        await way.put()

    assert len(server.received) == len(answers)
    assert not isinstance(raised.value, ObjectMissing)


@pytest.mark.parametrize("first", [answered("500 Oops"), None])
async def test_a_request_succeeds_at_its_second_try(server, way, first):
    server.answers += [first, OK, first, answered("200 OK", b"picture")]

    await way.put()
    whole = await way.get()

    assert whole == b"picture"
    assert len(server.received) == 4


async def test_a_second_try_goes_by_no_kept_connection(server, way):
    """A kept connection may be as dead as the first was."""
    both_are_there, answer = asyncio.Barrier(2), server.script

    async def both_at_once(_request: Received, writer: asyncio.StreamWriter) -> None:
        await both_are_there.wait()
        writer.write(OK)

    server.script = both_at_once
    await asyncio.gather(way.put(), way.put())
    server.script, server.answers[:] = answer, [None, OK]

    await way.put()

    assert server.connections == 3


async def test_a_server_that_says_nothing_is_waited_for_twice(monkeypatch, server, way):
    for module in (wire, loop_wire):
        monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.05)
    server.answers += [b"", b""]

    with pytest.raises(StorageFailed, match="ReadTimeout"):
        await type(way)(server.url).put()

    assert len(server.received) == 2


async def test_a_server_that_is_not_there_is_storage_that_failed(way):
    with pytest.raises(StorageFailed, match=r"(?i)connection ?refused"):
        await type(way)("http://127.0.0.1:1").put()


async def test_a_long_idle_connection_is_not_used_again(monkeypatch, server, way):
    for module in (wire, loop_wire):
        monkeypatch.setattr(module, "MAX_IDLE_SECONDS", 0)
    server.answers += [OK, OK]
    brief = type(way)(server.url)

    await brief.put()
    await brief.put()
    await brief.end()

    assert server.connections == 2


async def test_an_answer_read_to_its_end_leaves_its_connection_to_the_next(server, way):
    server.answers += [answered("200 OK", b"picture"), answered("404 Not Found", MISSING), OK]

    whole = await way.get()
    with pytest.raises(ObjectMissing, match="GetObject: NoSuchKey"):
        await way.get()
    await way.put()

    assert whole == b"picture"
    assert server.received[0].headers.get("content-length") is None
    assert server.received[0].headers.get("accept-encoding", "identity") == "identity"
    assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        answered("200 OK", b"picture", "Connection: close").replace(b": 7", b": 9"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npicture",
    ],
)
async def test_an_object_that_is_cut_short_is_a_failure(server, way, answer):
    server.script = sends(answer)

    with pytest.raises(StorageFailed, match=r"did not come|closed before|without a length"):
        await way.get()


async def test_the_servers_certificate_is_verified(way, certificate, monkeypatch):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    async with running(says(b""), tls=tls) as server:
        place = f"https://localhost:{server.port}"
        with pytest.raises(StorageFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await type(way)(place).put()
        monkeypatch.setattr(certifi, "where", lambda: certificate)
        known = type(way)(place)
        await known.put()
        await known.end()

        assert [request.body for request in server.received] == [b"picture"]


@pytest.mark.parametrize(
    ("url", "host", "reached"),
    [
        ("http://s3:80/", "s3", ("s3", 80)),
        ("https://s3:443/", "s3", ("s3", 443)),
        ("http://s3:9/", "s3:9", ("s3", 9)),
        ("http://[::1]", "[::1]", ("::1", 80)),
        ("https://[::1]", "[::1]", ("::1", 443)),
    ],
)
def test_a_request_names_the_port_only_where_it_is_unusual(url, host, reached):
    place = BucketPlace(url, "images")

    assert (place.host, place.address) == (host, reached)


# --- threads ----------------------------------------------------------------------------------


@by_thread
async def test_an_unfinished_answer_closes_its_connection(server, way):
    server.answers += [answered("200 OK", b"picture"), OK]

    def begin() -> bytes:
        with way.wire.get(NAME) as stream:
            return bytes(stream.read(3))

    begun = await asyncio.to_thread(begin)
    await asyncio.to_thread(way.wire.require, NAME)

    assert begun == b"pic"
    assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(params=["http", "https"])
async def stalled(
    request: pytest.FixtureRequest, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """The url of a server that sends three of seven bytes, and then nothing more."""
    monkeypatch.setattr(certifi, "where", lambda: certificate)
    tls = None
    if request.param == "https":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)

    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answered("200 OK", b"picture")[:-4])

    async with running(script, tls=tls) as server:
        yield f"{request.param}://localhost:{server.port}"


async def test_a_stream_read_in_another_thread_can_be_closed_at_once(stalled):
    way = ByThread(stalled)
    stream = await asyncio.to_thread(way.wire.get, NAME)
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


@by_thread
async def test_a_stream_that_is_closed_takes_no_connection_from_the_next(server, way, monkeypatch):
    server.answers += [answered("200 OK", b"picture"), OK]
    stream = await asyncio.to_thread(way.wire.get, NAME)
    give_back = httpx.Response.close

    def close_while_it_is_given_back(answer: httpx.Response) -> None:
        give_back(answer)
        stream.close()

    with monkeypatch.context() as patched:
        patched.setattr(httpx.Response, "close", close_while_it_is_given_back)
        whole = await asyncio.to_thread(stream.read)
    await asyncio.to_thread(way.wire.require, NAME)

    assert whole == b"picture"
    assert server.connections == 1


@by_thread
async def test_an_object_is_looked_for_without_its_bytes(server, way):
    server.answers += [
        b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\n",
    ]

    await asyncio.to_thread(way.wire.require, NAME)
    with pytest.raises(ObjectMissing, match="HeadObject: 404"):
        await asyncio.to_thread(way.wire.require, NAME)

    assert [request.method for request in server.received] == ["HEAD", "HEAD"]
    assert server.connections == 1


# --- a loop -----------------------------------------------------------------------------------


@by_loop
async def test_connections_are_kept_for_as_many_as_may_be_idle(monkeypatch, server, way):
    monkeypatch.setattr(loop_wire, "MAX_IDLE_CONNECTIONS", 2)
    server.answers += [OK] * 8
    few = ByLoop(server.url)

    await asyncio.gather(*(few.put() for _ in range(4)))
    await asyncio.gather(*(few.put() for _ in range(4)))
    await few.end()

    assert len(server.received) == 8
    assert server.connections == 6


@by_loop
async def test_twenty_puts_share_two_connections(monkeypatch, server, way):
    monkeypatch.setattr(loop_wire, "MAX_REQUESTS_AT_ONCE", 2)
    by_turns = ByLoop(server.url)
    server.answers += [OK] * 20

    await asyncio.gather(*(by_turns.put() for _ in range(20)))
    await by_turns.end()

    assert len(server.received) == 20
    assert server.connections == 2


@by_loop
async def test_a_cancelled_put_leaves_no_connection_behind(server, way):
    has_come, answer = asyncio.Event(), server.script

    async def silent(_request: Received, _writer: asyncio.StreamWriter) -> None:
        has_come.set()

    server.script = silent
    putting = asyncio.create_task(way.put())
    await has_come.wait()
    server.script, server.answers[:] = answer, [OK]

    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await way.put()

    assert server.connections == 2


@by_loop
async def test_a_reader_who_stops_closes_the_connection_and_keeps_no_turn(monkeypatch, server, way):
    monkeypatch.setattr(loop_wire, "MAX_REQUESTS_AT_ONCE", 1)
    by_turns = ByLoop(server.url)
    server.answers += [answered("200 OK", b"picture")[:-4], OK]

    async with aclosing(by_turns.wire.get(NAME)) as pieces:
        begun = await anext(pieces)
        await by_turns.put()
        was_open = server.open_connections
    await is_at_most(server, 1)

    assert begun == b"pic"
    assert was_open == 2
    await by_turns.end()


@by_loop
async def test_a_reader_cancelled_while_waiting_closes_the_connection(server, way):
    server.answers += [answered("200 OK", b"picture")[:-4]]
    pieces = way.wire.get(NAME)
    begun = await anext(pieces)

    reading = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await is_at_most(server, 0)

    assert begun == b"pic"


@pytest.mark.parametrize("memory_bytes", [100, 0], ids=["memory", "file"])
async def test_a_spool_is_there_afterwards_wherever_its_bytes_were(
    s3: Any, spools: Spools, memory_bytes: int
) -> None:
    spool = spools.new(max_bytes=100, memory_bytes=memory_bytes)
    spool.write(b"a small picture")

    for _ in range(2):
        await upload_on_loop("20261120/7f3/on-loop.png", spool, content_type="image/png")

    kept = [piece async for piece in read_on_loop("20261120/7f3/on-loop.png")]
    assert kept == [b"a small picture"]


async def test_a_wrong_secret_is_storage_that_failed(s3, configured, spools):
    configured(bucket_name="images", endpoint_url=s3.url, access_key="wrong", secret_key="wrong")
    spool = spools.new(max_bytes=100)
    spool.write(b"a small picture")

    with pytest.raises(StorageFailed, match="PutObject"):
        await upload_on_loop("20261120/7f3/refused.png", spool, content_type="image/png")
    with pytest.raises(StorageFailed, match="GetObject"):
        await anext(read_on_loop("20261120/7f3/refused.png"))
