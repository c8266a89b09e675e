"""The wire of an event loop, against servers that do what a test says, and a real one."""

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import certifi
import pytest

from pictor.kit.spool import Spools
from storage import loop_wire as module
from storage.loop_wire import LoopWire
from storage.services import open_stream, upload_on_loop
from storage.wire import ObjectMissing, Place, StorageFailed
from tests.kit.calls import make_certificate
from tests.raw_server import Received, running
from tests.storage.answers import OK, answered, signers

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """As workers run, and as asyncio does."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def wire(server: Any) -> AsyncIterator[LoopWire]:
    made = LoopWire(Place(server.url, "images"), signers)
    yield made
    await made.end()


async def put(wire: LoopWire, data: bytes = b"picture") -> None:
    digest = hashlib.sha256(data).hexdigest()
    await wire.put("20261120/1-0.png", data, content_type="image/png", sha256=digest)


async def test_saving_is_one_request_with_the_digest_of_its_body(server, wire):
    server.answers += [OK, OK]

    await put(wire)
    await put(wire, b"")

    sent, empty = server.received
    assert (sent.method, sent.target, sent.body) == ("PUT", "/images/20261120/1-0.png", b"picture")
    assert sent.headers["content-type"] == "image/png"
    assert sent.headers["cache-control"] == "private, max-age=3600"
    assert sent.headers["x-amz-content-sha256"] == hashlib.sha256(b"picture").hexdigest()
    assert empty.headers["content-length"] == "0"
    assert server.connections == 1


async def test_it_is_sent_again_where_a_kept_connection_was_closed(server, wire):
    server.answers += [OK, None, OK]

    await put(wire)
    await put(wire)

    assert [request.body for request in server.received] == [b"picture"] * 3
    assert server.connections == 2


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([None, None], "ReadError"),
        ([b"what?\r\n\r\n"] * 2, "RemoteProtocolError"),
        ([answered("503 Slow Down", b"<Code>SlowDown</Code>")] * 2, "PutObject: SlowDown"),
        ([answered("403 Forbidden", b"<Code>AccessDenied</Code>")], "PutObject: AccessDenied"),
        ([answered("404 Not Found", b"<Code>NoSuchBucket</Code>")], "PutObject: NoSuchBucket"),
        ([answered("301 Moved", b"", "Location: http://10.0.0.1/")], "PutObject: 301"),
        ([answered("403 Forbidden", b"x" * 300_000)], "PutObject: 403"),
    ],
)
async def test_what_is_not_saved_says_why(server, wire, answers, words):
    server.answers += answers

    with pytest.raises(StorageFailed, match=words) as raised:
        await put(wire)

    assert len(server.received) == len(answers)
    assert not isinstance(raised.value, ObjectMissing)


async def test_a_second_try_may_do(server, wire):
    server.answers += [answered("500 Oops"), OK]

    await put(wire)

    assert len(server.received) == 2


async def test_a_server_that_says_nothing_is_waited_for_twice(monkeypatch, server, wire):
    monkeypatch.setattr(module, "READ_TIMEOUT_SECONDS", 0.05)
    server.answers += [b"", b""]

    with pytest.raises(StorageFailed, match="ReadTimeout"):
        await put(wire)

    assert len(server.received) == 2


async def test_a_server_that_is_not_there_is_storage_that_failed(server, wire):
    gone = LoopWire(Place("http://127.0.0.1:1", "images"), signers)

    with pytest.raises(StorageFailed, match="ConnectionRefusedError"):
        await put(gone)


async def test_connections_are_kept_for_as_many_as_may_be_idle(monkeypatch, server, wire):
    monkeypatch.setattr(module, "MAX_IDLE_CONNECTIONS", 2)
    server.answers += [OK] * 8

    await asyncio.gather(*(put(wire) for _ in range(4)))
    await asyncio.gather(*(put(wire) for _ in range(4)))

    assert len(server.received) == 8
    assert server.connections == 6


async def test_many_take_turns(monkeypatch, server):
    monkeypatch.setattr(module, "AT_ONCE", 2)
    wire = LoopWire(Place(server.url, "images"), signers)
    server.answers += [OK] * 20

    await asyncio.gather(*(put(wire) for _ in range(20)))
    await wire.end()

    assert len(server.received) == 20
    assert server.connections == 2


async def test_one_that_was_idle_for_long_is_not_used_again(monkeypatch, server, wire):
    monkeypatch.setattr(module, "MAX_IDLE_SECONDS", 0)
    server.answers += [OK, OK]

    await put(wire)
    await put(wire)

    assert server.connections == 2


async def test_who_gives_up_leaves_no_connection_behind(server, wire):
    has_come, answer = asyncio.Event(), server.script

    async def silent(_request: Received, _writer: asyncio.StreamWriter) -> None:
        has_come.set()

    server.script = silent
    putting = asyncio.create_task(put(wire))
    await has_come.wait()
    server.script, server.answers[:] = answer, [OK]

    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await put(wire)

    assert server.connections == 2


async def test_its_certificate_is_held_against_the_authorities(tmp_path, monkeypatch):
    certificate: Path = make_certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)

    async def script(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with running(script, tls=tls) as server:
        place = f"https://localhost:{server.port}"
        stranger = LoopWire(Place(place, "images"), signers)
        with pytest.raises(StorageFailed, match="CERTIFICATE_VERIFY_FAILED"):
            await put(stranger)
        monkeypatch.setattr(certifi, "where", lambda: certificate)
        known = LoopWire(Place(place, "images"), signers)
        await put(known)
        await known.end()

        assert [request.body for request in server.received] == [b"picture"]


@pytest.mark.parametrize("memory_bytes", [100, 0], ids=["memory", "file"])
async def test_a_spool_is_there_afterwards_wherever_its_bytes_were(
    s3: Any, spools: Spools, memory_bytes: int
) -> None:
    spool = spools.new(max_bytes=100, memory_bytes=memory_bytes)
    spool.write(b"a small picture")

    for _ in range(2):
        await upload_on_loop("20261120/7f3/on-loop.png", spool, content_type="image/png")

    kept = await asyncio.to_thread(lambda: list(open_stream("20261120/7f3/on-loop.png")))
    assert kept == [b"a small picture"]


async def test_a_wrong_secret_is_storage_that_failed(s3, configured, spools):
    configured(bucket_name="images", endpoint_url=s3.url, access_key="wrong", secret_key="wrong")
    spool = spools.new(max_bytes=100)
    spool.write(b"a small picture")

    with pytest.raises(StorageFailed, match="PutObject"):
        await upload_on_loop("20261120/7f3/refused.png", spool, content_type="image/png")
