"""The process's client of Redis: one, and never slow."""

import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from redis.exceptions import RedisError

from pictor.kit import redis_client


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    redis_client.forget_client()
    yield
    redis_client.forget_client()


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_threads_that_come_at_once_share_one_client():
    barrier = Barrier(8)

    def get() -> object:
        barrier.wait(5)
        return redis_client.client()

    with ThreadPoolExecutor(8) as threads:
        clients = [future.result() for future in [threads.submit(get) for _ in range(8)]]

    assert {id(one) for one in clients} == {id(redis_client.client())}


def test_changed_settings_count_once_the_client_is_forgotten(settings):
    before = redis_client.client()
    settings.REDIS_URL = settings.CELERY_BROKER_URL

    assert redis_client.client() is before
    redis_client.forget_client()

    assert redis_client.client() is not before
    assert redis_client.client().ping()


def test_a_server_that_hangs_costs_its_time_out_once(settings, silent):
    settings.REDIS_URL = f"redis://127.0.0.1:{silent}/0"
    settings.REDIS_TIMEOUT_SECONDS = 0.2
    started = time.monotonic()

    with pytest.raises(RedisError):
        redis_client.client().ping()

    assert 0.2 <= time.monotonic() - started < 0.6


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


@pytest.mark.anyio
async def test_a_subscriber_is_a_client_of_its_own(settings):
    async with redis_client.subscriber() as one, one.pubsub() as subscription:
        await subscription.subscribe("test-of-the-subscriber")
        redis_client.client().publish("test-of-the-subscriber", "news")

        heard = [await subscription.get_message(timeout=5) for _ in range(2)]

    assert [message["data"] for message in heard if message] == [1, b"news"]


@pytest.mark.anyio
async def test_a_subscriber_notices_that_the_other_end_has_vanished(settings):
    """Nothing is sent on its connection, so without probes it would wait for ever."""
    async with redis_client.subscriber() as one, one.pubsub() as subscription:
        await subscription.subscribe("test-of-the-subscriber")
        writer = subscription.connection._writer  # noqa: SLF001 - the socket itself is asked
        wire = writer.get_extra_info("socket")

        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        idle, between, count = (wire.getsockopt(socket.IPPROTO_TCP, one) for one in options)
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert idle + between * count == 45
