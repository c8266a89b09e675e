"""The /v1 handler: errors as JSON, streams, and clients that go away."""

import asyncio
import json
import threading
from typing import Any

import pytest

from pictor.web.handler import V1Handler
from tests.web import routes
from tests.web.conftest import Exchange, call, make_exchange

pytestmark = pytest.mark.anyio


@pytest.fixture
def app(settings):
    settings.API_URLCONF = "tests.web.routes"
    routes.became.clear()
    return V1Handler()


async def get(app: V1Handler, path: str, **options: Any) -> Exchange:
    return await call(app, method="GET", path=path, hangs=True, **options)


async def test_a_view_answers_with_its_status_body_and_headers(app):
    exchange = await get(app, "/v1/hello")

    assert (exchange.status, exchange.body) == (200, b"hello")
    assert exchange.headers["x-own"] == "view"


async def test_headers_of_the_request_are_on_the_answer_unless_the_view_sets_them(app):
    headers = (await get(app, "/v1/headed")).headers

    assert (headers["x-rate"], headers["x-own"]) == ("7", "view")


async def test_an_error_of_ours_is_json_with_the_requests_headers(app):
    exchange = await get(app, "/v1/fails/quota")

    assert exchange.status == 429
    assert json.loads(exchange.body)["error"] == {
        "message": "Not enough.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
    assert (exchange.headers["x-rate"], exchange.headers["x-should-retry"]) == ("7", "false")


async def test_an_unforeseen_error_is_answered_in_our_words(app, caplog):
    exchange = await get(app, "/v1/fails/unforeseen")

    assert exchange.status == 500
    assert json.loads(exchange.body)["error"]["code"] == "internal_error"
    assert b"secret" not in exchange.body
    assert "a secret detail" in caplog.text


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1", "/v1/hello/", "/v1/../etc/passwd"])
async def test_an_unknown_path_is_json_even_for_a_browser(app, path):
    exchange = await get(app, path, headers={"Accept": "text/html"})

    assert exchange.status == 404
    assert json.loads(exchange.body)["error"]["code"] == "not_found"


async def test_a_stream_goes_out_chunk_by_chunk(app):
    exchange = await get(app, "/v1/streams")

    assert exchange.headers["content-type"] == "text/event-stream"
    assert [message.get("body") for message in exchange.sent[1:]] == [b"one ", b"two", b""]
    assert [message.get("more_body", False) for message in exchange.sent[1:]] == [True, True, False]


async def test_a_client_that_goes_away_ends_the_wait(app):
    exchange = await call(app, method="GET", path="/v1/waits", hangs=False)

    assert routes.became in (["waiting", "cancelled"], [])
    assert exchange.sent == []


async def test_a_client_that_goes_away_later_ends_the_wait_then(app):
    exchange = make_exchange(method="GET", path="/v1/waits")
    leave = asyncio.Event()

    async def receive():
        await leave.wait()
        return {"type": "http.disconnect"}

    task = asyncio.create_task(app(exchange.scope, receive, exchange.send))
    while routes.became != ["waiting"]:
        await asyncio.sleep(0)
    leave.set()
    await asyncio.wait_for(task, 5)

    assert routes.became == ["waiting", "cancelled"]
    assert exchange.sent == []


async def test_a_server_that_stops_ends_the_wait(app):
    exchange = make_exchange(method="GET", path="/v1/waits", hangs=True)
    task = asyncio.create_task(app(exchange.scope, exchange.receive, exchange.send))
    while routes.became != ["waiting"]:
        await asyncio.sleep(0)

    task.cancel()
    await task

    assert routes.became == ["waiting", "cancelled"]
    assert (exchange.status, exchange.headers["x-should-retry"]) == (503, "true")
    assert exchange.headers["retry-after"] == "2"
    error = json.loads(exchange.body)["error"]
    assert error["code"] == "service_unavailable"
    assert "the same Idempotency-Key" in error["message"]
    assert "GET /v1/images/generations before" in error["message"]


async def test_a_failure_to_send_is_the_servers_to_know_and_told_as_the_end(app):
    exchange = make_exchange(method="GET", path="/v1/tells/hello", hangs=True)

    async def send(message):
        raise ConnectionError("broken pipe")

    with pytest.raises(ConnectionError):
        await app(exchange.scope, exchange.receive, send)
    assert routes.became == ["broken off"]


async def test_the_end_is_told_of_an_answer_that_was_sent_whole(app):
    await get(app, "/v1/tells/hello")

    assert routes.became == ["whole"]


async def test_the_end_is_told_of_a_client_that_went_away_while_it_was_sent(app):
    exchange = make_exchange(method="GET", path="/v1/tells/hello")
    has_begun, has_gone = asyncio.Event(), asyncio.Event()

    async def receive():
        await has_begun.wait()
        has_gone.set()
        return {"type": "http.disconnect"}

    async def send(message):
        has_begun.set()
        await has_gone.wait()

    await app(exchange.scope, receive, send)

    assert routes.became == ["broken off"]


async def test_a_client_that_went_away_leaves_no_cancellation_behind(app):
    exchange = make_exchange(method="GET", path="/v1/tells/waits")

    await app(exchange.scope, exchange.receive, exchange.send)

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert routes.became == ["waiting", "cancelled", "broken off"]


async def test_the_end_is_told_before_a_client_hears_that_the_server_stops(app):
    exchange = make_exchange(method="GET", path="/v1/tells/waits", hangs=True)
    known = []

    async def send(message):
        known.append(list(routes.became))

    task = asyncio.create_task(app(exchange.scope, exchange.receive, send))
    while routes.became != ["waiting"]:
        await asyncio.sleep(0)
    task.cancel()
    await task

    assert known[0] == ["waiting", "cancelled", "broken off"]


async def test_a_server_that_ends_all_its_tasks_says_so_in_any_order(app):
    exchange = make_exchange(method="GET", path="/v1/waits", hangs=True)
    before = asyncio.all_tasks()
    task = asyncio.create_task(app(exchange.scope, exchange.receive, exchange.send))
    while routes.became != ["waiting"] or exchange.events != ["receive"]:
        await asyncio.sleep(0)

    for one in asyncio.all_tasks() - before - {task}:
        one.cancel()
    task.cancel()
    await task

    assert exchange.status == 503


async def test_a_cancelled_view_is_not_taken_for_a_stopping_server(app):
    exchange = make_exchange(method="GET", path="/v1/gives-up", hangs=True)

    with pytest.raises(asyncio.CancelledError):
        await app(exchange.scope, exchange.receive, exchange.send)
    assert exchange.sent == []


async def test_a_server_that_stops_begins_no_second_answer(app):
    exchange = make_exchange(method="GET", path="/v1/hello", hangs=True)
    has_begun = asyncio.Event()

    async def send(message):
        await exchange.send(message)
        has_begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(app(exchange.scope, exchange.receive, send))
    await has_begun.wait()
    task.cancel()
    await task

    assert [message["type"] for message in exchange.sent] == ["http.response.start"]


async def test_hundreds_that_wait_need_no_threads(app):
    before = threading.active_count()
    exchanges = [make_exchange(method="GET", path="/v1/waits", hangs=True) for _ in range(300)]
    tasks = [
        asyncio.create_task(app(exchange.scope, exchange.receive, exchange.send))
        for exchange in exchanges
    ]
    while routes.became.count("waiting") < 300:
        await asyncio.sleep(0)

    threads = threading.active_count() - before

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert threads < 5
