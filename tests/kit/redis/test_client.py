"""The process's clients of Redis: one for threads, one for a loop, and never slow."""

import asyncio
import queue
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Barrier
from typing import Any, cast
from unittest.mock import Mock
from urllib.parse import urlsplit

import hiredis
import pytest
import redis.asyncio
import uvloop
from redis.exceptions import RedisError, ResponseError

from pictor.kit.redis import client as redis_client
from pictor.kit.redis.client import RedisCommand, send_async
from tests.kit.asking import command_of
from tests.kit.calls import make_certificate


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    redis_client.forget_client()
    yield
    redis_client.forget_client()


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_threads_that_come_at_once_share_one_client():
    barrier = Barrier(8)

    def get() -> object:
        barrier.wait(5)
        return redis_client.client()

    with ThreadPoolExecutor(8) as threads:
        clients = [future.result() for future in [threads.submit(get) for _ in range(8)]]

    assert {id(client) for client in clients} == {id(redis_client.client())}


def test_changed_settings_count_once_the_client_is_forgotten(settings):
    before = redis_client.client()
    settings.REDIS_URL = settings.CELERY_BROKER_URL

    assert redis_client.client() is before
    redis_client.forget_client()

    assert redis_client.client() is not before
    assert redis_client.client().ping()


PING = command_of("ECHO", "here")
WHO = command_of("CLIENT", "ID")


def echo(text: str) -> RedisCommand[Any]:
    """A command answered with the text."""
    return command_of("ECHO", text)


WAYS = [
    redis_client.send,
    lambda command: asyncio.run(send_async(command)),
    lambda command: uvloop.run(send_async(command)),
]


@pytest.fixture(params=WAYS, ids=["in a thread", "on a loop", "on uvloop"])
def ask(request: pytest.FixtureRequest) -> Callable[[RedisCommand[Any]], Any]:
    """Send a command in one of the ways."""
    way: Callable[[RedisCommand[Any]], Any] = request.param
    return way


def test_a_question_is_answered(ask):
    assert ask(PING) == b"here"


def test_a_server_that_hangs_costs_its_time_out_once(settings, silent, ask):
    settings.REDIS_URL = f"redis://127.0.0.1:{silent}/0"
    settings.REDIS_TIMEOUT_SECONDS = 2.0
    started = time.monotonic()

    with pytest.raises(RedisError):
        ask(PING)

    assert 2.0 <= time.monotonic() - started < 4.0


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0"])
def test_a_server_that_is_away_is_an_error_of_redis(settings, ask, url):
    settings.REDIS_URL = url

    with pytest.raises(RedisError):
        ask(PING)


def test_a_question_of_the_broker_goes_to_the_brokers_server(settings, ask):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert ask(command_of("ECHO", "there", is_broker=True)) == b"there"


@contextmanager
def behind_tls(url: str, certificate: Path) -> Iterator[str]:
    """The server's URL with TLS only, for which ours was not built."""
    there = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop, port = asyncio.new_event_loop(), queue.Queue[int]()
    is_over, serving = asyncio.Event(), set[asyncio.Task[Any]]()

    async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                target.write(data)
        target.close()

    async def serve(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        serving.add(cast("asyncio.Task[Any]", asyncio.current_task()))
        answers, questions = await asyncio.open_connection(there.hostname, there.port)
        await asyncio.gather(pass_on(source, questions), pass_on(answers, target))

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            port.put(server.sockets[0].getsockname()[1])
            await is_over.wait()
        await asyncio.gather(*serving)

    thread = threading.Thread(target=loop.run_until_complete, args=[run()])
    thread.start()
    place = there.netloc.replace(f"{there.hostname}:{there.port}", f"localhost:{port.get()}")
    try:
        yield f"rediss://{place}{there.path}?ssl_ca_certs={certificate}"
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join()
        loop.close()


@pytest.fixture
def tls_url(settings: Any, tmp_path: Path) -> Iterator[str]:
    with behind_tls(settings.REDIS_URL, make_certificate(tmp_path, "localhost")) as url:
        yield url
        for made in (redis_client.client(), redis_client.broker()):
            made.close()


def test_a_server_is_asked_over_tls(settings, tls_url, ask):
    settings.REDIS_URL = settings.CELERY_BROKER_URL = tls_url

    assert ask(PING) == b"here"
    assert ask(command_of("ECHO", "there", is_broker=True)) == b"there"


def test_a_loop_reads_the_authorities_certificates_once(settings, tls_url, run, monkeypatch):
    settings.REDIS_URL = tls_url
    reading = Mock(side_effect=ssl.create_default_context)
    monkeypatch.setattr(ssl, "create_default_context", reading)

    async def anew() -> set[int]:
        seen = set()
        for _ in range(3):
            seen.add(mine := await send_async(WHO))
            redis_client.broker().client_kill_filter(_id=mine)
        return seen

    assert len(run(anew())) == 3
    assert reading.call_count == 1


def test_a_server_that_nobody_vouches_for_is_not_asked(settings, tls_url, ask):
    settings.REDIS_URL = tls_url.partition("?")[0]

    with pytest.raises(RedisError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(PING)


def open_ones() -> set[int]:
    """Connections that the server has open."""
    return {int(one["id"]) for one in redis_client.client().client_list()}


def test_a_connection_that_the_server_has_closed_is_made_anew(run, settings):
    """Happens after a restart of Redis, or where it closes idle connections."""

    async def goes_on() -> tuple[int, int]:
        first = await send_async(WHO)
        redis_client.client().client_kill_filter(_id=first)
        while first in open_ones():
            pass
        async with redis.asyncio.Redis.from_url(settings.REDIS_URL) as other:
            await other.ping()  # the loop has looked at all its connections
        return first, await send_async(WHO)

    first, second = run(goes_on())

    assert first != second


class Between:
    """Passes everything on to the server, until its connections are reset."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._wires: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{self._there.port}/", f":{self._listening.getsockname()[1]}/")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                mine, _ = self._listening.accept()
                theirs = socket.create_connection((self._there.hostname, self._there.port))
                self._wires.append(mine)
                for pair in ((mine, theirs), (theirs, mine)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        target.close()

    def reset(self) -> None:
        """Reset the connections, as a host does that has forgotten them."""
        for wire in self._wires:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            wire.shutdown(socket.SHUT_RD)
            wire.close()
        self._wires.clear()

    def close(self) -> None:
        self._listening.close()


def test_connections_that_died_unnoticed_are_all_made_anew(run, settings):
    with closing(Between(settings.REDIS_URL)) as between:
        settings.REDIS_URL = between.url

        async def goes_on() -> list[bytes]:
            await asyncio.gather(*(send_async(PING) for _ in range(5)))
            between.reset()
            return [await send_async(PING) for _ in range(5)]

        assert run(goes_on()) == [b"here"] * 5


def test_an_error_that_only_a_loop_raises_is_a_redis_error(run, monkeypatch):
    async def is_closed(*_: object, **__: object) -> None:
        raise RuntimeError("unable to perform operation; the handler is closed")

    monkeypatch.setattr(redis.asyncio.Connection, "send_command", is_closed)

    with pytest.raises(RedisError, match="the handler is closed"):
        run(send_async(PING))


def test_a_question_that_redis_refuses_costs_no_connection(run):
    async def goes_on() -> tuple[int, int]:
        first = await send_async(WHO)
        with pytest.raises(ResponseError):
            await send_async(command_of("NO", "SUCH", "COMMAND"))
        return first, await send_async(WHO)

    first, second = run(goes_on())

    assert first == second


async def says_what_it_hears(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that knows ECHO and accepts every other command."""
    parser = hiredis.Reader()
    while data := await reader.read(65536):
        parser.feed(data)
        while (command := parser.gets()) is not False:
            is_echo = command[0] == b"ECHO"
            writer.write(b"+%b\r\n" % command[1] if is_echo else b"+OK\r\n")


@pytest.mark.parametrize("stray", [b"-ERR idle, bye\r\n", b":1\r\n"])
def test_an_answer_that_nobody_asked_for_is_nobodys(run, settings, stray):
    writers: list[asyncio.StreamWriter] = []

    async def serves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await says_what_it_hears(reader, writer)

    async def asks() -> list[bytes]:
        server = await asyncio.start_server(serves, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        answers = [await send_async(echo("one"))]
        made = redis_client._lines._mine.made  # noqa: SLF001 - to know when it has come
        wire = made[settings.REDIS_URL]._wire  # noqa: SLF001 - as above
        writers[0].write(stray)
        while wire.is_open:
            await asyncio.sleep(0)
        answers += [await send_async(echo(word)) for word in ("two", "three")]
        server.close()
        for writer in writers:
            writer.close()
        return answers

    assert run(asks()) == [b"one", b"two", b"three"]
    assert len(writers) == 2


def test_a_url_that_no_connection_can_be_made_of_is_an_error_of_redis_on_a_loop(run, settings):
    settings.REDIS_URL += "?no_such_option=1"

    with pytest.raises(RedisError):
        run(send_async(PING))


def test_many_at_once_share_one_connection_and_have_their_own_answers(run):
    async def asks() -> tuple[list[str], set[int]]:
        echoes = asyncio.gather(*(send_async(echo(str(n))) for n in range(20)))
        wires = await asyncio.gather(*(send_async(WHO) for _ in range(20)))
        return [text.decode() for text in await echoes], set(wires)

    texts, wires = run(asks())

    assert texts == [str(n) for n in range(20)]
    assert len(wires) == 1


def test_a_connection_that_has_hung_fails_for_all_at_once_and_is_made_anew(run, settings):
    settings.REDIS_TIMEOUT_SECONDS = 1.0
    writers: list[asyncio.StreamWriter] = []

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The first connection answers everything before the first `hang`, and nothing more."""
        writers.append(writer)
        is_first, parser = len(writers) == 1, hiredis.Reader()
        while data := await reader.read(65536):
            parser.feed(data)
            while (command := parser.gets()) is not False:
                if is_first and command[-1] == b"hang":
                    return
                writer.write(b"+%b\r\n" % command[1] if command[0] == b"ECHO" else b"+OK\r\n")

    async def asks() -> tuple[bytes, list[object], float, bytes]:
        server = await asyncio.start_server(hangs, "127.0.0.1", 0)
        settings.REDIS_URL = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        before = await send_async(echo("before"))
        started = time.monotonic()
        several = [send_async(echo(word)) for word in ("hang", "one", "two")]
        failed = await asyncio.gather(*several, return_exceptions=True)
        took = time.monotonic() - started
        after = await send_async(echo("after"))
        server.close()
        for writer in writers:
            writer.close()
        return before, failed, took, after

    before, failed, took, after = run(asks())

    assert (before, after) == (b"before", b"after")
    assert [type(error) for error in failed] == [redis.TimeoutError] * 3
    assert 0.9 < took < 2.9  # several time-outs in turn would take 3; loops round to a ms


def test_a_loop_has_a_client_of_its_own_and_ends_with_none(run):
    first, second = run(send_async(WHO)), run(send_async(WHO))

    assert first != second
    deadline = time.monotonic() + 10
    while {first, second} & open_ones():  # until the server has seen that they are closed
        assert time.monotonic() < deadline


def test_an_abandoned_answer_reaches_nobody_else(run):
    async def gives_up() -> list[bytes]:
        await send_async(PING)
        given_up = asyncio.create_task(send_async(echo("mine")))
        for _ in range(3):  # it is sent
            await asyncio.sleep(0)
        given_up.cancel()
        return [await send_async(echo("others")) for _ in range(3)]

    assert run(gives_up()) == [b"others"] * 3


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+socket:///run/redis.sock", {"path": "/run/redis.sock", "db": 0}),
        (
            "redis+socket://:word@/run/redis.sock?virtual_host=3",
            {"path": "/run/redis.sock", "db": 3, "password": "word"},
        ),
        ("rediss://h/0?ssl_cert_reqs=CERT_REQUIRED", {"cert_reqs": ssl.CERT_REQUIRED}),
        ("rediss://h/0?ssl_cert_reqs=CERT_OPTIONAL", {"cert_reqs": ssl.CERT_OPTIONAL}),
        ("rediss://h/0?db=2&ssl_cert_reqs=CERT_NONE", {"cert_reqs": ssl.CERT_NONE, "db": 2}),
        ("rediss://h/0?ssl_cert_reqs=required", {"cert_reqs": ssl.CERT_REQUIRED}),
    ],
)
def test_a_broker_s_url_may_be_written_as_celery_has_it(settings, url, expected):
    settings.CELERY_BROKER_URL = url

    connection = redis_client.broker().connection_pool.make_connection()

    assert {name: getattr(connection, name) for name in expected} == expected
    assert redis_client.unusable() == []
