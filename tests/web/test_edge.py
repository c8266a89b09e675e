"""The outermost layer: request ids and CORS."""

import asyncio

import pytest

from pictor.kit.endpoints.refused import Refused
from pictor.kit.watching import log
from pictor.web.edge import App, Edge, Receive, Scope, Send, header, is_api
from tests.web.conftest import call, make_exchange

pytestmark = pytest.mark.anyio


async def answers(scope, receive, send):
    """Answer 200, with a header of its own."""
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": log.request_id.get().encode()})


async def never_called(scope, receive, send):
    raise AssertionError("the application was called")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1", True),
        ("/v1/", True),
        ("/v1/models", True),
        ("/v10", False),
        ("/v1models", False),
        ("/", False),
        ("/ops/v1/", False),
    ],
)
def test_the_api_is_what_lies_under_v1(path, expected):
    assert is_api({"path": path}) is expected


def test_the_first_header_of_a_name_counts():
    scope = {"headers": [(b"a", b"1"), (b"b", b"2"), (b"b", b"3")]}

    assert (header(scope, b"b"), header(scope, b"c")) == (b"2", None)


async def test_every_answer_has_a_request_id_of_its_own():
    first, second = await call(Edge(answers)), await call(Edge(answers), path="/ops/")

    assert first.headers["x-request-id"].startswith("req_")
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_a_callers_own_request_id_is_not_taken_over():
    exchange = await call(Edge(answers), headers={"x-request-id": "mine"})

    assert exchange.headers["x-request-id"] != "mine"


async def test_the_request_id_is_in_the_scope_and_on_log_lines():
    exchange = await call(Edge(answers))

    assert exchange.scope["pictor.request_id"] == exchange.headers["x-request-id"]
    assert exchange.body.decode() == exchange.headers["x-request-id"]


async def test_requests_at_once_keep_their_ids_apart():
    exchanges = await asyncio.gather(*(call(Edge(answers)) for _ in range(20)))

    assert all(exchange.body.decode() == exchange.headers["x-request-id"] for exchange in exchanges)


async def test_the_api_may_be_read_from_any_origin():
    headers = (await call(Edge(answers))).headers

    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-store"
    assert headers["content-type"] == "text/plain"
    assert headers["openai-processing-ms"].isdigit()
    exposed = headers["access-control-expose-headers"].split(", ")
    assert {
        "x-request-id", "x-pictor-generation-id", "x-pictor-charge", "retry-after",
        "x-should-retry", "location", "idempotent-replayed", "preference-applied",
        "openai-processing-ms", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests", "x-ratelimit-limit-images", "x-ratelimit-remaining-images",
        "x-ratelimit-reset-images", "deprecation", "sunset", "link",
    } == set(exposed)  # fmt: skip


async def test_pages_have_no_cors():
    headers = (await call(Edge(answers), path="/ops/")).headers

    assert set(headers) == {"content-type", "x-request-id"}


async def test_a_preflight_is_answered_without_a_key_or_the_application():
    exchange = await call(
        Edge(never_called),
        method="OPTIONS",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        },
    )

    assert (exchange.status, exchange.body) == (204, b"")
    assert exchange.headers["access-control-allow-origin"] == "*"
    assert exchange.headers["access-control-allow-headers"] == "authorization, idempotency-key"
    assert exchange.headers["access-control-allow-methods"] == (
        "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    )
    assert exchange.headers["vary"] == "Access-Control-Request-Headers"
    assert exchange.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("asked", ["a\r\nset-cookie: x", "a" * 2001, "a;b", "ä"])
async def test_header_names_that_are_none_are_not_echoed(asked):
    exchange = await call(
        Edge(never_called), method="OPTIONS", headers={"Access-Control-Request-Headers": asked}
    )

    assert exchange.headers["access-control-allow-headers"] == "*"


async def test_options_outside_the_api_are_the_applications_affair():
    exchange = await call(Edge(answers), method="OPTIONS", path="/ops/")

    assert exchange.status == 200


async def test_a_scope_that_is_not_http_passes_through():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    exchange = make_exchange()
    await Edge(app)({"type": "lifespan"}, exchange.receive, exchange.send)

    assert seen == ["lifespan"]


def answering(status: int, *headers: tuple[bytes, bytes]) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return app


OF_MADE = (b"x-pictor-generation-id", b"gen_1")
REPLAYED = (b"idempotent-replayed", b"true")


@pytest.mark.parametrize(
    ("path", "app", "is_told"),
    [
        ("/v1/models", answering(400), True),
        ("/v1/models", answering(503), True),
        ("/v1/models", answering(200), False),
        ("/v1/images/generations", answering(502, OF_MADE), False),
        ("/v1/images/generations", answering(502, OF_MADE, REPLAYED), True),
        ("/v1/images/generations", answering(200, OF_MADE, REPLAYED), True),
        ("/v1/images/generations", answering(200, OF_MADE), False),
        ("/status/", answering(404), False),
    ],
)
async def test_every_refusal_under_v1_is_told(path, app, is_told):
    told: list[Refused] = []

    exchange = await call(Edge(app, tell=told.append), path=path)

    expected = [(exchange.headers["x-request-id"], exchange.status)] if is_told else []
    assert [(one.request, one.status) for one in told] == expected


async def test_a_caller_who_was_gone_before_an_answer_is_not_told_of():
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        """Give no answer."""

    told: list[Refused] = []

    await call(Edge(app, tell=told.append))

    assert told == []
