"""Headers, queries and forms that Django itself raises for are answered, and never by a 500."""

import json

import pytest

from tests.web.conftest import body_of, call

pytestmark = pytest.mark.anyio

HOST = {"Host": "localhost"}
UNREADABLE = [
    "application/json; x*=bogus''a",
    "application/json; charset*=a; charset*0=b",
    "application/json; x*=idna''%ff",
    "application/json; charset=hex",
]
CSRF = "a" * 32


@pytest.mark.parametrize("content_type", UNREADABLE)
@pytest.mark.parametrize("path", ["/v1/images/generations?limit=1", "/openapi.json?format=json"])
async def test_a_content_type_that_django_cannot_read_is_ignored(whole, bearer, content_type, path):
    headers = {**HOST, **bearer, "Content-Type": content_type}

    exchange = await call(
        whole, method="GET", path=path, headers=headers, messages=body_of(), hangs=True
    )

    assert exchange.status == 200


@pytest.mark.parametrize(
    ("charset", "part", "status"),
    [
        ("; charset=hex", 'form-data; name="x"', 403),
        ("; charset=undefined", 'form-data; name="x"', 403),
        ("", "form-data; name*=a; name*0=b", 400),
    ],
)
async def test_a_form_that_django_cannot_read_is_refused(whole, charset, part, status):
    form = f"--b\r\nContent-Disposition: {part}\r\n\r\né\r\n--b--\r\n".encode()
    headers = {
        **HOST,
        "Cookie": f"csrftoken={CSRF}",
        "Content-Type": f"multipart/form-data; boundary=b{charset}",
        "Content-Length": str(len(form)),
    }

    exchange = await call(
        whole, path="/accounts/login/", headers=headers, messages=body_of(form), hangs=True
    )

    assert exchange.status == status


async def test_a_query_of_too_many_parameters_is_refused(whole, bearer):
    path = "/v1/images/generations?" + "a=1&" * 1001

    exchange = await call(
        whole, method="GET", path=path, headers={**HOST, **bearer}, messages=body_of(), hangs=True
    )

    error = json.loads(exchange.body)["error"]
    assert (exchange.status, error["type"]) == (400, "invalid_request_error")
    assert error["message"] == "The query string has too many parameters."


async def test_an_accept_that_django_cannot_read_accepts_no_page(whole):
    headers = {**HOST, "Accept": "text/html; x*=a'b'c"}

    exchange = await call(
        whole, method="GET", path="/nope", headers=headers, messages=body_of(), hangs=True
    )

    assert exchange.status == 404
    assert json.loads(exchange.body)["error"]["code"] == "not_found"


@pytest.mark.parametrize(("chars", "code"), [(1_000, b"<!doctype html>"), (1_001, b'{"error"')])
async def test_a_type_that_is_too_long_is_not_read(whole, chars, code):
    headers = {**HOST, "Accept": f"{'text/html,':x<{chars}}"}

    exchange = await call(
        whole, method="GET", path="/nope", headers=headers, messages=body_of(), hangs=True
    )

    assert (exchange.status, exchange.body.lstrip()[: len(code)]) == (404, code)


@pytest.mark.parametrize(("path", "status"), [("/nope", 404), ("/v1/api_keys", 201)])
async def test_a_length_of_thousands_of_digits_is_a_length(whole, bearer, path, status):
    headers = {**HOST, **bearer, "Accept": "*/*", "Content-Length": "0" * 5000 + "2"}

    exchange = await call(whole, path=path, headers=headers, messages=body_of(b"{}"), hangs=True)

    assert exchange.status == status


async def test_a_host_with_a_long_port_is_not_served(whole):
    headers = {"Host": "localhost:" + "0" * 400}

    exchange = await call(
        whole, method="GET", path="/", headers=headers, messages=body_of(), hangs=True
    )

    assert exchange.status == 400
    assert json.loads(exchange.body)["error"]["code"] == "unknown_host"
