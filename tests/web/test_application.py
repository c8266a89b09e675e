"""The web process as one application: its parts by path, and its lifespan."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from django.conf import settings

from generation.admission.waiting_callers import callers
from generation.api.waiting import hub
from pictor.application import Lifespan, Router, build
from pictor.kit.database import pools
from pictor.web.edge import App, Receive, Scope, Send
from tests.web.conftest import call

pytestmark = pytest.mark.anyio


def named(name: bytes) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name})

    return app


@pytest.fixture
def router():
    return Router(api=named(b"api"), site=named(b"site"))


@pytest.fixture
def whole():
    """The application of the settings."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    return build()


@pytest.mark.parametrize(
    ("path", "part"),
    [("/v1/models", b"api"), ("/v1", b"api"), ("/", b"site"), ("/ops/v1/", b"site")],
)
async def test_each_path_has_its_part(router, path, part):
    assert (await call(router, method="GET", path=path)).body == part


async def test_websockets_are_not_served(router):
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    await Lifespan(router, closing=[])({"type": "websocket", "path": "/v1"}, receive, send)

    assert sent == []


async def test_the_process_listens_from_its_start_to_its_end(router, monkeypatch):
    life, sent = [], []
    messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    def noted(word: str) -> Callable[[], Awaitable[None]]:
        async def note() -> None:
            life.append(word)

        return note

    async def close():
        life.append("closed")

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append((message["type"], life[-1]))

    for name, part in (("hub", hub), ("callers", callers)):
        monkeypatch.setattr(part, "start", noted(f"{name} start"))
        monkeypatch.setattr(part, "stop", noted(f"{name} stop"))

    async def admitted(*, within_seconds: float) -> None:
        life.append("admitted")

    monkeypatch.setattr(pools.admission(), "finish", admitted)
    await Lifespan(router, closing=[close])({"type": "lifespan"}, receive, send)

    assert sent == [
        ("lifespan.startup.complete", "callers start"),
        ("lifespan.shutdown.complete", "closed"),
    ]
    started, stopped = ["hub start", "callers start"], ["hub stop", "admitted", "callers stop"]
    assert life == [*started, *stopped, "closed"]


async def test_a_refusal_at_the_gate_has_the_edges_headers(whole):
    exchange = await call(whole, method="GET", path="/v1/models")

    assert exchange.status == 401
    assert exchange.headers["x-request-id"].startswith("req_")
    assert exchange.headers["access-control-allow-origin"] == "*"


async def test_the_embedded_default_passes_the_buckets_paths_through(whole):
    exchange = await call(whole, method="PUT", path=f"/{settings.S3_BUCKET}/x.png")

    assert (settings.S3_PASSTHROUGH, exchange.status) == (True, 405)
