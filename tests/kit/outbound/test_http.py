import asyncio
import gc
import gzip
import threading
import zlib

import pytest

from pictor.kit.outbound import connections, egress
from pictor.kit.outbound.http import (
    CALLS,
    BodyTooLarge,
    BodyUnreadable,
    ConnectionLost,
    DeadlineExceeded,
    HttpPool,
    LookUpsBusy,
    NotReached,
    Payload,
    ReadTimedOut,
    deadline,
)
from tests.fakes import raw_server
from tests.fakes.raw_server import Received, is_at_most, running, says, sends
from tests.kit.calls import MEGABYTE, fetch, post, whole

pytestmark = pytest.mark.anyio


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


# --- the ordinary way -------------------------------------------------------------------------


async def test_a_request_goes_out_as_written_and_asks_for_no_compression(pool, server):
    headers = {"Authorization": "Bearer k", "Content-Type": "application/json"}

    async with pool.exchange(
        "POST", f"{server.url}/v1/x?a=1", headers=headers, body=b'{"a":1}'
    ) as answer:
        body = await whole(answer, 100)

    [request] = server.received
    assert (answer.status, body) == (200, b"hello")
    assert (request.method, request.target, request.body) == ("POST", "/v1/x?a=1", b'{"a":1}')
    assert request.headers["host"] == server.host_port
    assert request.headers["authorization"] == "Bearer k"
    assert request.headers["accept-encoding"] == "identity"


async def test_a_body_in_pieces_goes_out_with_its_length(pool, server):
    async def pieces():
        yield b"one"
        yield b"two"

    async with pool.exchange("POST", server.url, body=Payload(6, pieces)) as answer:
        await whole(answer, 100)

    [request] = server.received
    assert request.body == b"onetwo"
    assert request.headers["content-length"] == "6"
    assert "transfer-encoding" not in request.headers


async def test_connections_are_kept_and_used_again(pool, server):
    for _ in range(5):
        await fetch(pool, server.url)

    assert server.connections == 1
    assert len(server.received) == 5


async def test_cookies_are_not_kept(pool, server):
    server.script = says(b"", headers={"Set-Cookie": "who=anybody; Path=/"})

    for _ in range(2):
        await fetch(pool, server.url)

    assert ["cookie" in request.headers for request in server.received] == [False, False]


@pytest.mark.parametrize("location", ["/elsewhere", "https://ex.com:abc/"])
async def test_redirects_are_not_followed(pool, server, location):
    server.script = says(b"", status=302, headers={"Location": location})

    async with pool.exchange("GET", server.url) as answer:
        status = answer.status

    assert status == 302
    assert len(server.received) == 1


async def test_proxies_of_the_environment_are_not_used(pool, server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    assert await fetch(pool, server.url) == b"hello"


async def test_user_info_does_not_replace_an_authorization_header(pool, server):
    url = f"http://user:pass@{server.host_port}/"

    await fetch(pool, url, headers={"Authorization": "Bearer k"})
    await fetch(pool, url)

    assert server.received[0].headers["authorization"] == "Bearer k"
    assert server.received[1].headers["authorization"] == "Basic dXNlcjpwYXNz"


async def test_every_call_of_a_burst_has_its_connection_and_few_are_kept(server):
    patient = HttpPool(egress_allow=[server.host_port], connect_timeout_seconds=60)
    release = asyncio.Event()

    async def waits(request: Received, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await says(b"hello")(request, writer)

    server.script = waits
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(fetch(patient, server.url)) for _ in range(250)]
        while len(server.received) < 250:
            await asyncio.sleep(0.01)
        assert server.open_connections == 250
        release.set()

    assert [call.result() for call in calls] == [b"hello"] * 250
    await is_at_most(server, connections.MAX_IDLE)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections.MAX_IDLE):
            tasks.create_task(fetch(patient, server.url))
    assert server.connections == 250
    await patient.aclose()
    await is_at_most(server, 0)


async def test_a_connection_idle_for_too_long_is_closed_and_not_used(pool, server, monkeypatch):
    await fetch(pool, server.url)
    monkeypatch.setattr(pool.transport.idle, "seconds", 0.0)

    await fetch(pool, server.url)

    assert server.connections == 2
    await is_at_most(server, 1)


async def test_a_connection_that_its_server_has_closed_is_not_used(pool, server):
    server.script = sends(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbye")
    await fetch(pool, server.url)
    await is_at_most(server, 0)

    assert await post(pool, server.url) == (None, True)
    assert server.connections == 2


async def test_a_connection_with_an_answer_half_read_is_not_used(pool, server):
    server.script = says(bytes(MEGABYTE))
    async with pool.exchange("GET", server.url) as answer:
        assert answer.status == 200

    assert await fetch(pool, server.url) == bytes(MEGABYTE)
    assert server.connections == 2


async def test_a_call_that_is_cancelled_leaves_no_connection_open(pool, server):
    """At each of its steps, on a new connection and on a kept one."""
    for steps in range(40):
        server.script = says(b"hello")
        if steps % 2:
            await fetch(pool, server.url)
        call = asyncio.ensure_future(fetch(pool, server.url))
        for _ in range(steps // 2):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    await pool.aclose()
    await is_at_most(server, 0)


async def test_a_connection_in_use_is_closed_after_the_pool_by_the_end_of_its_call(server):
    closing = HttpPool(egress_allow=[server.host_port])
    async with closing.exchange("GET", server.url) as answer:
        await closing.aclose()
        assert await whole(answer, 100) == b"hello"

    await is_at_most(server, 0)


async def test_hosts_share_no_connection(pool, server):
    async with running(says(b"other")) as other:
        both = HttpPool(egress_allow=[server.host_port, other.host_port])
        answers = [await fetch(both, one.url) for one in (server, other, server, other)]
        await both.aclose()

    assert answers == [b"hello", b"other"] * 2
    assert (server.connections, other.connections) == (1, 1)


# --- errors on the wire -----------------------------------------------------------------------


async def test_a_refused_connection_is_not_reached(pool, server):
    async with running(says(b"")) as other:
        gone = other.host_port
    refusing = HttpPool(egress_allow=[gone], connect_timeout_seconds=2)

    outcome = await post(refusing, f"http://{gone}/")

    assert outcome == (NotReached, False)
    await refusing.aclose()


async def test_a_name_that_does_not_resolve_is_not_reached():
    def resolve(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    pool = HttpPool(resolve=resolve)

    outcome = await post(pool, "https://nowhere.example/")

    assert outcome == (NotReached, False)
    await pool.aclose()


async def test_a_host_that_is_silent_on_connect_is_not_reached(server):
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def resolve(_host: str, _port: int) -> list[str]:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(5)
        return ["127.0.0.1"]

    pool = HttpPool(connect_timeout_seconds=0.2, resolve=resolve)

    outcome = await post(pool, "https://slow.example/")

    assert outcome == (NotReached, False)
    release.set()
    await pool.aclose()


async def test_a_name_that_has_no_turn_to_be_looked_up_is_not_the_one_at_fault(monkeypatch):
    monkeypatch.setattr(egress, "DNS_CACHE_SECONDS", 0.05)
    begun, release = threading.Event(), threading.Event()

    def resolve(_host: str, _port: int) -> list[str]:
        begun.set()
        release.wait(10)
        return ["127.0.0.1"]

    pool = HttpPool(connect_timeout_seconds=0.5, resolve=resolve, dns_threads=1)

    mute = asyncio.create_task(post(pool, "https://mute.example/"))
    await asyncio.to_thread(begun.wait, 10)
    behind = [
        asyncio.create_task(post(pool, f"https://{name}.example/")) for name in ("other", "third")
    ]
    outcomes = await asyncio.gather(mute, *behind)
    release.set()
    await pool.aclose()

    assert outcomes == [(NotReached, False), (LookUpsBusy, False), (LookUpsBusy, False)]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of other tests' garbage, collected here
async def test_a_look_up_that_fails_when_nobody_waits_any_more_says_nothing(caplog):
    gc.collect()  # what other tests left says here what it has to say
    caplog.clear()
    release = threading.Event()

    def resolve(_host: str, _port: int) -> list[str]:
        release.wait(10)
        raise OSError("no such name")

    pool = HttpPool(connect_timeout_seconds=0.05, resolve=resolve, dns_threads=1)

    assert await post(pool, "https://mute.example/") == (NotReached, False)
    release.set()
    await asyncio.to_thread(pool._addresses._threads.shutdown)  # noqa: SLF001 - when it has failed
    await asyncio.sleep(0)
    pool._addresses._known.clear()  # noqa: SLF001 - and nobody will ask
    gc.collect()

    assert [record for record in caplog.records if record.name == "asyncio"] == []
    await pool.aclose()


async def test_plain_http_on_the_tls_port_is_not_reached(pool, server):
    server.script = says(b"")

    outcome = await post(pool, f"https://{server.host_port}/")

    assert outcome == (NotReached, False)


async def test_a_certificate_for_another_name_is_not_reached(tls_server, tls_pool):
    outcome = await post(tls_pool, f"https://other.example:{tls_server.port}/")

    assert outcome == (NotReached, False)


@pytest.mark.parametrize(
    "script",
    [
        sends(b"", then_reset=True),
        sends(b""),
        sends(b"HTTP/1.1 200 OK\r\nContent-Le", then_reset=True),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", then_reset=True),
        sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"),
        sends(b"this is not HTTP\r\n\r\n"),
        sends(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
        sends(CHUNKED + b"3;" + b"x" * 200_000 + b"\r\nbye\r\n0\r\n\r\n"),
        sends(CHUNKED + b"0\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
        sends(CHUNKED + b"3\r\nbyebye"),
        sends(b"HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nbye"),
    ],
)
async def test_a_connection_lost_after_sending_is_not_taken_for_unsent(pool, server, script):
    server.script = script

    outcome = await post(pool, server.url)

    assert outcome == (ConnectionLost, True)


async def test_silence_after_sending_times_out(pool, server):
    server.script = raw_server.hangs

    outcome = await post(pool, server.url, read_timeout_seconds=0.1)

    assert outcome == (ReadTimedOut, True)


@pytest.mark.parametrize("script", [raw_server.hangs, raw_server.drips])
async def test_the_deadline_holds_against_hangs_and_drips(pool, server, script):
    server.script = script
    exchange = pool.exchange("POST", server.url, body=b"{}")

    with pytest.raises(DeadlineExceeded):
        async with deadline(1.0), exchange as answer:
            await whole(answer)

    assert exchange.is_sent


async def test_a_time_out_inside_a_deadline_that_is_over_is_the_deadline():
    async def gives_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise TimeoutError

    with pytest.raises(DeadlineExceeded):
        async with deadline(0.001):
            await gives_up()


def under_way() -> float:
    [metric] = CALLS.collect()
    return metric.samples[0].value


async def test_each_call_counts_until_it_is_over(pool, server):
    before = under_way()

    async with pool.exchange("POST", server.url, body=b"{}"):
        assert under_way() == before + 1
    assert under_way() == before
    server.script = raw_server.hangs
    with pytest.raises(DeadlineExceeded):
        async with deadline(0.1), pool.exchange("POST", server.url, read_timeout_seconds=None):
            pass
    assert under_way() == before


async def test_a_time_out_inside_a_deadline_is_not_the_deadline():
    with pytest.raises(TimeoutError):
        async with deadline(10):
            raise TimeoutError


async def test_a_failing_source_of_the_body_fails_the_call_with_its_own_error(pool, server):
    async def pieces():
        yield b"one"
        raise KeyError("gone")

    with pytest.raises(KeyError):
        async with pool.exchange("POST", server.url, body=Payload(6, pieces)):
            pass

    assert await fetch(pool, server.url) == b"hello"


# --- byte caps --------------------------------------------------------------------------------


async def test_a_body_may_be_as_large_as_the_cap_and_no_larger(pool, server):
    server.script = says(b"x" * 1000)

    async with pool.exchange("GET", server.url) as answer:
        body = await whole(answer, 1000)
    with pytest.raises(BodyTooLarge):
        async with pool.exchange("GET", server.url) as answer:
            await whole(answer, 999)

    assert len(body) == 1000


@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [
        ("gzip", gzip.compress(b"hello" * 100_000, mtime=0)),
        ("deflate", zlib.compress(b"hello" * 100_000)),
        ("x-gzip", gzip.compress(b"hello" * 100_000, mtime=0)),
    ],
)
async def test_compression_we_did_not_ask_for_is_undone(pool, server, encoding, compressed):
    server.script = says(compressed, headers={"Content-Encoding": encoding})

    assert await fetch(pool, server.url) == b"hello" * 100_000


async def test_a_compressed_bomb_is_stopped_at_the_cap(pool, server):
    server.script = says(
        gzip.compress(b"\0" * 200 * MEGABYTE), headers={"Content-Encoding": "gzip"}
    )
    seen = 0

    async def read() -> None:
        nonlocal seen
        async with pool.exchange("GET", server.url) as answer:
            async for chunk in answer.chunks(MEGABYTE):
                seen += len(chunk)

    with pytest.raises(BodyTooLarge):
        await read()

    assert seen <= MEGABYTE


async def test_bytes_after_a_compressed_body_count_towards_the_cap(pool, server):
    server.script = says(
        gzip.compress(b"hello") + bytes(2 * MEGABYTE), headers={"Content-Encoding": "gzip"}
    )

    with pytest.raises(BodyTooLarge):
        await fetch(pool, server.url)


@pytest.mark.parametrize(
    ("label", "body"),
    [
        ("gzip", b"not compressed"),
        ("deflate", b"not compressed"),
        ("", gzip.compress(b"not compressed", mtime=0)),
        ("identity", gzip.compress(b"not compressed", mtime=0)),
        ("deflate", gzip.compress(b"not compressed", mtime=0)),
    ],
)
async def test_a_body_is_read_by_what_it_is_whatever_its_label(pool, server, label, body):
    server.script = says(body, headers={"Content-Encoding": label})

    assert await fetch(pool, server.url) == b"not compressed"


@pytest.mark.parametrize("encoding", ["br", "zstd"])
async def test_other_encodings_are_unreadable(pool, server, encoding):
    server.script = says(b"not compressed", headers={"Content-Encoding": encoding})

    with pytest.raises(BodyUnreadable):
        await fetch(pool, server.url)
