"""Clients that drip or never finish, against the running web process."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.stack.servers import Stack

PAGES = ["/healthz", "/readyz", "/accounts/login/", "/openapi.json"]


def connected(stack: Stack, first: bytes) -> socket.socket:
    address = urlsplit(stack.base_url)
    client = socket.create_connection((address.hostname, address.port), timeout=20)
    client.sendall(first)
    return client


def head(method: str, path: str, *lines: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, ""]).encode()


@pytest.fixture
def dripping(stack: Stack) -> Iterator[None]:
    """150 forms and half headers, each going on by a byte every half second."""
    form = head("POST", "/accounts/login/", "Content-Length: 1000", "") + b"u"
    half = head("GET", "/", "X-Half: a")
    clients: list[socket.socket] = []
    is_over = threading.Event()

    def dribble() -> None:
        while not is_over.wait(0.5):
            for client in clients:
                with contextlib.suppress(OSError):  # its time was up
                    client.sendall(b"a")

    drip = threading.Thread(target=dribble)
    with contextlib.ExitStack() as every:
        clients += [
            every.enter_context(connected(stack, form if number % 2 else half))
            for number in range(150)
        ]
        every.callback(drip.join)
        every.callback(is_over.set)
        drip.start()
        yield


@pytest.mark.usefixtures("dripping")
@pytest.mark.parametrize("path", PAGES)
def test_pages_and_probes_do_not_wait_for_those_who_drip(stack: Stack, path: str) -> None:
    answer = httpx.get(stack.base_url + path, trust_env=False, timeout=15)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "endless",
    [head("GET", "/", "X-Long: " + "a" * 70_000), head("GET", "/", *["X-More: a"] * 102)],
    ids=["one line", "many lines"],
)
def test_headers_without_end_are_refused(stack: Stack, endless: bytes) -> None:
    with connected(stack, endless) as client:
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"code":"headers_too_large"' in answer


def test_a_probe_is_asked_not_told(stack: Stack) -> None:
    answer = httpx.post(f"{stack.base_url}/healthz", content=b"x", trust_env=False)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json()["error"]["code"] == "method_not_allowed"


def test_a_foreign_host_gets_one_line_and_leaves_that_of_its_request(stack: Stack) -> None:
    before = stack.log("web")

    page = httpx.get(f"{stack.base_url}/admin/", headers={"Host": "evil.example"}, trust_env=False)
    models = httpx.get(
        f"{stack.base_url}/v1/models", headers={"Host": "evil.example"}, trust_env=False
    )

    assert (page.status_code, page.json()["error"]["code"]) == (400, "unknown_host")
    assert (models.status_code, models.json()["error"]["code"]) == (401, "invalid_api_key")
    new = [json.loads(line) for line in stack.log("web")[len(before) :].splitlines()]
    assert {line["logger"] for line in new} <= {"pictor.request"}
