"""Limits of one connection, in bytes and time, and of the number of connections."""

import asyncio
import contextlib
import socket
from ipaddress import ip_network

import pytest

from pictor.web import connection_limits, protocol
from pictor.web.connection_limits import Connections, process_connections
from pictor.web.proxies import Proxies
from tests.web.serving import ANSWER_SECONDS, Wire, echo, refused, serving

pytestmark = [pytest.mark.anyio, pytest.mark.thorough]

KILOBYTE = 1024
GET = b"GET /x HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
async def server():
    async with serving(echo) as served:
        yield served


async def answered(wire: Wire) -> bytes:
    head = await wire.head()
    assert head.startswith(b"HTTP/1.1 200")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await wire.reader.readexactly(length)


# --- headers ----------------------------------------------------------------------------------


async def test_a_header_line_without_end_is_refused_at_64_kb(server):
    wire = await server.connect(GET + b"X-Long: ")
    sent = 0
    while not wire.is_answered and sent < 4096 * KILOBYTE:
        await wire.send(b"a" * 4096)
        sent += 4096
        await asyncio.sleep(0)

    assert refused(await wire.rest()) == (431, "headers_too_large")
    assert sent < 4096 * KILOBYTE
    assert process_connections().held_bytes == 0


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (GET + b"X-Long: " + b"a" * (60 * KILOBYTE) + b"\r\n\r\n", 200),
        (GET + b"X-Long: " + b"a" * (64 * KILOBYTE) + b"\r\n\r\n", 431),
        (GET + b"".join(b"X-%d: a\r\n" % n for n in range(99)) + b"\r\n", 200),
        (GET + b"".join(b"X-%d: a\r\n" % n for n in range(100)) + b"\r\n", 431),
        (
            GET + b"X: " + b"a" * KILOBYTE * 40 + b"\r\nY: " + b"a" * KILOBYTE * 30 + b"\r\n\r\n",
            431,
        ),
        (b"GET /" + b"a" * (64 * KILOBYTE) + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    ],
    ids=["60 KB", "64 KB", "100 headers", "101 headers", "two lines", "a long path"],
)
async def test_headers_have_a_size_and_a_number(server, head, status):
    wire = await server.connect(head)

    assert int((await wire.head()).split()[1]) == status


async def test_a_line_that_goes_on_in_the_next_one_is_no_way_around_the_size(server):
    wire = await server.connect(GET + b"X-Long: a\r\n")
    sent = 0
    while not wire.is_answered and sent < 4096 * KILOBYTE:
        await wire.send(b" " + b"a" * 4096 + b"\r\n")
        sent += 4096
        await asyncio.sleep(0)

    assert refused(await wire.rest())[0] in {400, 431}
    assert sent < 4096 * KILOBYTE


async def test_a_long_line_is_refused_before_the_next_one(server):
    wire = await server.connect(GET + b"X-Long: " + b"a" * (70 * KILOBYTE) + b"\r\n")

    assert refused(await wire.rest()) == (431, "headers_too_large")


async def test_headers_may_arrive_byte_by_byte(server):
    wire = await server.connect()
    for byte in GET + b"X-Slow: b\r\n\r\n":
        await wire.send(bytes([byte]))
        await asyncio.sleep(0)

    assert await answered(wire) == b"0 host,x-slow"


async def test_the_lines_of_all_half_sent_requests_have_a_bound(server, monkeypatch):
    monkeypatch.setattr(protocol, "MAX_HELD_BYTES", 10_000)
    first = await server.connect(GET + b"X-Long: " + b"a" * 6000)
    while process_connections().held_bytes == 0:
        await asyncio.sleep(0.01)

    second = await server.connect(GET + b"X-Long: " + b"a" * 6000)

    assert refused(await second.rest()) == (503, "service_unavailable")
    await first.send(b"\r\n\r\n")
    assert await answered(first) == b"0 host,x-long"


@pytest.mark.parametrize(
    "trailers",
    [
        b"0\r\nX-Long: " + b"a" * (70 * KILOBYTE),
        b"0\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(102)),
        b"5;x=" + b"a" * (70 * KILOBYTE),
    ],
    ids=["an endless trailer", "many trailers", "an endless extension of a chunk"],
)
async def test_chunk_headers_and_trailers_have_a_limit(server, trailers):
    wire = await server.connect(CHUNKED + b"1\r\na\r\n")
    for start in range(0, len(trailers), 4096):
        await wire.send(trailers[start : start + 4096])
        await asyncio.sleep(0)

    assert refused(await wire.rest()) == (431, "headers_too_large")


async def test_a_trailer_is_no_header(server):
    wire = await server.connect(CHUNKED + b"1\r\na\r\n0\r\nAuthorization: later\r\n\r\n")

    assert await answered(wire) == b"1 host,transfer-encoding"


async def test_a_body_of_many_small_chunks_is_no_excess(server):
    wire = await server.connect(CHUNKED)
    await wire.send(b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")

    assert (await answered(wire)).startswith(b"50000 ")


# --- malformed input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [b"nonsense\r\n\r\n", GET + b"no colon\r\n\r\n", CHUNKED + b"zz\r\n", GET + b"Host:\r\n\r\n"],
    ids=["no request", "no header", "no chunk", "two hosts"],
)
async def test_malformed_http_is_refused_in_our_shape(server, raw):
    wire = await server.connect(raw)

    assert refused(await wire.rest()) == (400, "invalid_value")


async def test_a_refusal_never_takes_the_place_of_an_answer_under_way(server):
    wire = await server.connect(GET + b"\r\n" + b"nonsense\r\n\r\n" + GET + b"\r\n")

    answer = await wire.rest()

    assert answer.count(b"HTTP/1.1") == 1
    assert answer.startswith(b"HTTP/1.1 200")


async def test_requests_sent_ahead_are_answered_in_turn(server):
    wire = await server.connect((GET + b"\r\n") * 10)

    assert [await answered(wire) for _ in range(10)] == [b"0 host"] * 10


async def test_requests_sent_far_ahead_are_not_taken(server):
    wire = await server.connect((GET + b"\r\n") * 1000)

    assert (await wire.rest()).count(b"HTTP/1.1 200") == 17


@pytest.mark.parametrize("cut", [b"", b"\r"], ids=["before the blank line", "within it"])
async def test_a_line_of_a_body_that_asks_for_an_upgrade_stays_in_it(server, cut, monkeypatch):
    """Taken out, as many bytes of the next request would be read as the body's."""
    body = b"a: b\r\nupgrade: h2c\r\n\r\nc"
    head = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % len(body)
    is_read, take = asyncio.Event(), protocol.Protocol.data_received

    def taken(self: protocol.Protocol, data: bytes) -> None:
        take(self, data)
        is_read.set()

    monkeypatch.setattr(protocol.Protocol, "data_received", taken)
    wire = await server.connect(head + cut)
    await is_read.wait()  # by itself

    await wire.send((b"\r\n" + body)[len(cut) :] + GET + b"\r\n")

    assert [await answered(wire), await answered(wire)] == [
        b"%d host,content-length" % len(body),
        b"0 host",
    ]


async def test_an_upgrade_that_is_not_offered_is_passed_over(server, caplog):
    ask = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    wire = await server.connect(GET + ask + b"\r\n" + GET + b"\r\n")
    with_body = await server.connect(
        b"POST /x HTTP/1.1\r\nHost: a\r\n" + ask + b"Content-Length: 3\r\n\r\nabc"
    )

    first, second = await answered(wire), await answered(wire)

    assert (first, second) == (b"0 host,connection", b"0 host")
    assert (await answered(with_body)).startswith(b"3 ")
    assert caplog.text == ""


# --- time -------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [b"GET / HT", GET, GET + b"X-Half: "])
async def test_headers_that_do_not_come_to_their_end_are_refused(server, monkeypatch, begun):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    wire = await server.connect(begun)

    assert refused(await wire.rest()) == (408, "request_timeout")


async def test_dripping_headers_win_no_time(server, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    wire = await server.connect(GET)
    dripped = 0
    while not wire.is_answered:
        await wire.send(b"X-%d: a\r\n" % dripped)
        dripped += 1
        await asyncio.sleep(0.05)

    assert refused(await wire.rest()) == (408, "request_timeout")
    assert dripped < 100


async def test_a_silent_client_is_disconnected(server, monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    wire = await server.connect()

    assert await wire.rest() == b""


@pytest.mark.parametrize("between", [b"", b"\r\n\r\n"])
async def test_a_connection_without_a_next_request_is_ended(server, monkeypatch, between):
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.2)
    wire = await server.connect(GET + b"\r\n")
    await answered(wire)
    await wire.send(between)

    assert await wire.rest() == b""


async def test_the_rest_of_a_body_that_nobody_waited_for_may_not_drip(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)

    async def hasty(scope, receive, send):
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async with serving(hasty) as server:
        wire = await server.connect(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\na")
        await wire.head()
        # A byte sent while the server closes is answered with a reset, which is an end too.
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while not wire.reader.at_eof():
                    await wire.send(b"b")
                    await asyncio.sleep(0.05)

        assert process_connections().count == 0


async def test_a_client_that_takes_nothing_in_is_cut_off(monkeypatch):
    monkeypatch.setattr(protocol, "READER_SECONDS", 0.2)
    ended = asyncio.Event()

    async def endless(scope, receive, send):
        gone = asyncio.ensure_future(receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not gone.done() or gone.result()["type"] != "http.disconnect":
            if gone.done():
                gone = asyncio.ensure_future(receive())
            await send({"type": "http.response.body", "body": b"a" * 65536, "more_body": True})
            await asyncio.sleep(0)
        ended.set()

    async with serving(endless) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(GET + b"\r\n")

        await asyncio.wait_for(ended.wait(), 20)

        client.close()


async def test_the_end_of_an_answer_that_is_not_taken_in_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr(protocol, "READER_SECONDS", 0.2)

    async def large(scope, receive, send):
        close = [(b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": close})
        await send({"type": "http.response.body", "body": b"a" * 32 * 1024**2})

    async with serving(large) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(GET + b"\r\n")
        while process_connections().count == 0:
            await asyncio.sleep(0.01)

        async with asyncio.timeout(20):
            while process_connections().count:
                await asyncio.sleep(0.01)

        client.close()


# --- number of connections --------------------------------------------------------------------


async def test_connections_beyond_the_cap_of_an_address_are_refused(settings):
    settings.CONNECTIONS_PER_ADDRESS = 3
    async with serving(echo) as server:
        kept = [await server.connect() for _ in range(3)]
        one_more = await server.connect()

        answer = await one_more.rest()
        await kept[0].send(GET + b"\r\n")
        still = await answered(kept[0])
        kept[1].writer.close()
        while process_connections().count > 2:
            await asyncio.sleep(0.01)
        again = await server.connect(GET + b"\r\n")

        assert refused(answer) == (503, "service_unavailable")
        assert b"retry-after: 2" in answer
        assert still == await answered(again) == b"0 host"


def counted(*addresses: str | None, most: int = 100) -> list[bool]:
    proxies = Proxies([ip_network("10.0.0.0/8")])
    all_of_them = Connections(most=most, most_by_address=2, proxies=proxies)
    return [all_of_them.enter(address) for address in addresses]


def test_each_address_has_its_own_cap():
    assert counted("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1") == [True, True, True, False]


def test_a_network_of_version_six_is_one_caller():
    assert counted("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "2001:db8::3") == [
        True, True, True, False,
    ]  # fmt: skip


def test_a_mapped_address_is_the_one_it_maps():
    assert counted("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1") == [True, True, False]


def test_proxies_count_only_in_the_total():
    assert counted("10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", most=3) == [
        True, True, True, False,
    ]  # fmt: skip


def test_a_closed_connection_is_not_counted():
    every = Connections(most=10, most_by_address=1, proxies=Proxies([]))
    every.enter("192.0.2.1")
    every.leave("192.0.2.1")

    assert every.enter("192.0.2.1") is True
    assert connection_limits.MAX_HELD_BYTES == 16 * 1024**2
