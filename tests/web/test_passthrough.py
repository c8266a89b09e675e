"""The bucket's paths passed to the S3 server, here a server that follows a test's script."""

import ssl

import pytest

from pictor.web.passthrough import PagesPassthrough, S3Passthrough
from tests.fakes.authorities import make_authority, make_certificate_by
from tests.fakes.raw_server import running, says, sends
from tests.web.conftest import body_of, call, make_exchange

pytestmark = pytest.mark.anyio

IMAGE = b"\x89PNG\r\n\x1a\n" + b"x" * 1000
CLOSED = "http://127.0.0.1:1"


async def inner(scope, receive, send):
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b"the application"})


@pytest.fixture
async def s3():
    headers = {"Content-Type": "image/png", "ETag": '"1"', "Server": "rclone", "Set-Cookie": "a=b"}
    async with running(says(IMAGE, headers=headers)) as server:
        yield server


@pytest.fixture
async def app(s3):
    app = S3Passthrough(inner, endpoint_url=s3.url, bucket="pictor")
    yield app
    await app.aclose()


@pytest.mark.parametrize("path", ["/v1/models", "/pictor", "/pictorial/x.png", "/", "/a/pictor/x"])
async def test_other_paths_go_to_the_application(app, path):
    assert (await call(app, method="GET", path=path)).body == b"the application"


@pytest.mark.parametrize(("knows", "status"), [(True, 200), (False, 503)])
async def test_the_servers_certificate_is_verified_by_the_bundle(tmp_path, knows, status):
    authority = make_authority(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(make_certificate_by(authority, "localhost"))
    bundle = str(authority) if knows else ""

    async with running(says(IMAGE), tls=tls) as s3:
        url = f"https://localhost:{s3.port}"
        app = S3Passthrough(inner, endpoint_url=url, bucket="pictor", ca_bundle=bundle)
        exchange = await call(app, method="GET", path="/pictor/1.png")
        await app.aclose()

    assert exchange.status == status


async def test_an_object_comes_as_the_s3_server_has_it(app, s3):
    exchange = await call(
        app,
        method="GET",
        path="/pictor/20261120/1-0.png?X-Amz-Signature=0a1b%2F",
        headers={"Host": "images.example:8000", "Authorization": "Bearer x", "Cookie": "a=b"},
    )

    assert (exchange.status, exchange.body) == (200, IMAGE)
    (request,) = s3.received
    assert (request.method, request.target) == (
        "GET",
        "/pictor/20261120/1-0.png?X-Amz-Signature=0a1b%2F",
    )
    assert request.headers["host"] == "images.example:8000"
    assert "authorization" not in request.headers
    assert "cookie" not in request.headers


async def test_pages_elsewhere_may_show_it_and_nothing_else_of_the_server_is_told(app):
    headers = (await call(app, method="GET", path="/pictor/1.png")).headers

    assert headers["content-type"] == "image/png"
    assert headers["content-length"] == "1008"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert not {"server", "set-cookie"} & set(headers)


async def test_a_range_that_comes_as_200_goes_on_as_206(app, s3):
    s3.script = says(b"xx", headers={"Content-Range": "bytes 8-9/1008"})

    exchange = await call(app, method="GET", path="/pictor/1.png", headers={"Range": "bytes=8-9"})

    assert (exchange.status, exchange.body) == (206, b"xx")
    assert exchange.headers["content-range"] == "bytes 8-9/1008"
    assert s3.received[0].headers["range"] == "bytes=8-9"


@pytest.mark.parametrize("status", [304, 403, 404, 416])
async def test_a_refusal_goes_on_as_it_is(app, s3, status):
    s3.script = says(b"", status=status)

    assert (await call(app, method="GET", path="/pictor/1.png")).status == status


async def test_a_head_has_the_length_and_no_body(app, s3):
    s3.script = sends(b"HTTP/1.1 200 x\r\nContent-Length: 1008\r\n\r\n")

    exchange = await call(app, method="HEAD", path="/pictor/1.png")

    assert (exchange.status, exchange.body) == (200, b"")
    assert exchange.headers["content-length"] == "1008"


async def test_a_preflight_is_answered_here(app, s3):
    exchange = await call(app, method="OPTIONS", path="/pictor/1.png")

    assert (exchange.status, s3.received) == (204, [])
    assert exchange.headers["access-control-allow-methods"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_nothing_can_be_changed_through_it(app, s3, method):
    exchange = await call(app, method=method, path="/pictor/1.png")

    assert (exchange.status, s3.received) == (405, [])
    assert exchange.headers["allow"] == "GET, HEAD"


async def test_an_s3_server_that_is_away_is_503():
    app = S3Passthrough(inner, endpoint_url=CLOSED, bucket="pictor")

    exchange = await call(app, method="GET", path="/pictor/1.png")
    await app.aclose()

    assert (exchange.status, exchange.headers["retry-after"]) == (503, "1")
    assert exchange.headers["x-should-retry"] == "true"
    assert exchange.headers["access-control-allow-origin"] == "*"


async def test_a_request_that_s3_cannot_be_asked_is_a_400(app, s3):
    too_long = await call(app, method="GET", path="/pictor/" + '"' * 30_000)
    exchange = make_exchange(method="GET", path="/pictor/1.png")
    exchange.scope["headers"] += [(b"host", b"a"), (b"host", b"b")]
    await app(exchange.scope, exchange.receive, exchange.send)

    assert (too_long.status, exchange.status, s3.received) == (400, 400, [])


async def test_an_answer_cut_short_has_one_start_and_no_end(app, s3):
    s3.script = sends(b"HTTP/1.1 200 x\r\nContent-Length: 1008\r\n\r\nxx", then_reset=False)

    exchange = await call(app, method="GET", path="/pictor/1.png")

    assert exchange.events.count("start") == 1
    assert exchange.sent[-1].get("more_body") is True


@pytest.fixture
async def sandbox():
    headers = {"Content-Type": "text/html", "Location": "/after", "Set-Cookie": "a=b"}
    async with running(says(b"<h1>Pay</h1>", status=303, headers=headers)) as server:
        yield server


async def test_a_page_that_takes_cards_comes_from_the_sandbox(sandbox):
    app = PagesPassthrough(inner, origin=sandbox.url)
    exchange = await call(
        app,
        path="/stripe/pay/cs_test_1?x=1",
        headers={"Cookie": "a=b"},
        messages=body_of(b"way=", b"paid"),
    )

    assert (exchange.status, exchange.body) == (303, b"<h1>Pay</h1>")
    assert (exchange.headers["location"], "set-cookie" in exchange.headers) == ("/after", False)
    (request,) = sandbox.received
    assert (request.method, request.target) == ("POST", "/stripe/pay/cs_test_1")
    assert (request.body, "cookie" in request.headers) == (b"way=paid", False)


@pytest.mark.parametrize(
    "path", ["/stripe/pay/", "/stripe/pay/../_bank/refund", "/stripe/pay/a/b", "/_bank/refund", "/"]
)
async def test_nothing_else_of_the_sandbox_is_reached(sandbox, path):
    app = PagesPassthrough(inner, origin=sandbox.url)

    assert (await call(app, path=path)).body == b"the application"
    assert sandbox.received == []


async def test_a_page_takes_small_forms_alone(sandbox):
    app, page = PagesPassthrough(inner, origin=sandbox.url), "/stripe/pay/cs_test_1"
    large = await call(app, path=page, messages=body_of(b"x" * 5000, b"x"))
    put = await call(app, method="PUT", path=page, messages=body_of(b""))

    assert (large.status, put.status, sandbox.received) == (405, 405, [])


async def test_a_sandbox_that_is_away_is_503():
    app = PagesPassthrough(inner, origin=CLOSED)

    assert (await call(app, method="GET", path="/stripe/pay/cs_test_1")).status == 503
