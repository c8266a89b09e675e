"""A server on loopback, with and without TLS, pools that may call it, slow calls, and loops."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from pictor.kit.outbound.http import (
    HttpPool,
)
from tests.fakes.raw_server import running, says
from tests.kit.calls import make_certificate


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Image workers run on uvloop; commands that call a channel do not."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def server():
    async with running(says(b"hello")) as server:
        yield server


@pytest.fixture
async def pool(server):
    pool = HttpPool(egress_allow=[server.host_port], connect_timeout_seconds=2)
    yield pool
    await pool.aclose()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "image.example")


@pytest.fixture
def client_context(certificate):
    return ssl.create_default_context(cafile=certificate)


@pytest.fixture
async def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with running(says(b"secret"), tls=context) as server:
        yield server


@pytest.fixture
async def tls_pool(tls_server, client_context):
    pool = HttpPool(
        egress_allow=[f"other.example:{tls_server.port}"],
        resolve=lambda host, port: ["127.0.0.1"],
        ssl_context=client_context,
    )
    yield pool
    await pool.aclose()


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event for which calls wait; set at the end in any case."""
    event = threading.Event()
    yield event
    event.set()


Loop = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Loop:
    """Run a coroutine on a loop of its own."""
    loop: Loop = request.param
    return loop
