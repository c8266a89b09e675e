"""Everything outside /v1: small bodies, eight requests at a time."""

import asyncio
import json

import pytest

from pictor.web import site
from pictor.web.site import SiteHandler
from tests.web.conftest import body_of, call

pytestmark = pytest.mark.anyio


async def reads(scope, receive, send):
    """Reads the whole body as Django's stock handler does; says how much came and how it ended."""
    taken = 0
    while True:
        message = await receive()
        taken += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{taken} {message['type']}".encode()})


async def test_a_form_is_read():
    exchange = await call(SiteHandler(reads), path="/admin/", messages=body_of(b"abc", b"de"))

    assert exchange.body == b"5 http.request"


async def test_a_form_announced_too_large_is_refused_unread():
    exchange = await call(
        SiteHandler(reads),
        path="/admin/",
        headers={"Content-Length": str(8 * 1024**2 + 1)},
        messages=body_of(b"abc"),
    )

    assert (exchange.status, exchange.events[0]) == (413, "start")
    assert json.loads(exchange.body)["error"]["message"] == "A form is at most 8 MiB."


async def test_a_form_that_becomes_too_large_ends_as_a_lost_connection(monkeypatch):
    monkeypatch.setattr(site, "MAX_BODY_BYTES", 10)

    exchange = await call(
        SiteHandler(reads), path="/admin/", messages=body_of(b"12345", b"67890", b"x", b"y")
    )

    assert exchange.body == b"10 http.disconnect"


async def test_eight_requests_are_served_at_a_time():
    inside, peak = 0, 0
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        nonlocal inside, peak
        inside += 1
        peak = max(peak, inside)
        await go_on.wait()
        inside -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})

    handler = SiteHandler(app)
    calls = [asyncio.create_task(call(handler, path="/")) for _ in range(20)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert inside == 8

    go_on.set()
    exchanges = await asyncio.gather(*calls)

    assert ([one.status for one in exchanges], peak) == ([200] * 20, 8)
