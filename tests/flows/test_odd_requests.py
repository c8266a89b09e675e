"""Odd requests: forbidden addresses, stand-ins for images, malformed HTTP, big bodies."""

import base64
import hashlib
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from tests.customers.customer import GENERATIONS, Customer
from tests.fakes.recorder import Recorder, drawn
from tests.stack.servers import Stack

pytest_plugins = ("tests.fakes.channel",)

QUOTE = "/v1/images/quote"
LEAST = {"model": "gpt-image-2-origin", "prompt": "a fox"}
SMALL = base64.b64encode(drawn((64, 64))).decode()
FORBIDDEN = [
    "http://169.254.169.254/",
    "http://2130706433/",
    "https://[::1]/a.png",
    "http://127.0.0.1/a.png",
]
GROWTH_BYTES = 300 * 1024**2


# --- reference images -------------------------------------------------------------------------


@pytest.mark.refused
@pytest.mark.parametrize("path", [GENERATIONS, QUOTE])
@pytest.mark.parametrize("name", ["image", "mask"])
@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_may_not_be_fetched_is_refused_by_its_field(
    customer: Customer, path: str, name: str, url: str
) -> None:
    body = {**LEAST, "image": SMALL, name: {"url": url}}

    response = customer.client.post(path, json=body)

    error = response.json()["error"]
    assert response.status_code == 400, response.text
    assert (error["code"], error["param"]) == ("invalid_image", name)
    assert customer.states() == {}


@pytest.mark.parametrize("name", ["prompt", "style"])
def test_text_that_looks_like_the_stand_in_of_an_image_stays_text(
    customer: Customer, upstream: Recorder, name: str
) -> None:
    stand_in = f"input:0:{hashlib.sha256(drawn((64, 64))).hexdigest()}"
    fields: dict[str, Any] = {"prompt": "a fox", "image": SMALL, name: stand_in}

    response = customer.generate(**fields)

    assert response.status_code == 200, response.text
    assert {key: upstream.only.body[key] for key in fields} == fields


@pytest.mark.parametrize("name", ["user", "safety_identifier"])
def test_a_tag_of_more_than_a_thousand_characters_is_refused(customer: Customer, name: str) -> None:
    longest = customer.client.post(QUOTE, json={**LEAST, name: "u" * 1000})
    longer = customer.client.post(QUOTE, json={**LEAST, name: "u" * 2000})

    error = longer.json()["error"]
    assert longest.status_code == 200, longest.text
    assert longer.status_code == 400, longer.text
    assert (error["code"], error["param"]) == ("string_above_max_length", name)


# --- HTTP itself ------------------------------------------------------------------------------


def raw(stack: Stack, request: bytes) -> tuple[str, dict[str, str], bytes]:
    """Status line, headers in lower case, and all bytes up to the close."""
    host, port = stack.base_url.removeprefix("http://").split("/")[0].split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65_536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return status, headers, body


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GARBAGE\r\n\r\n",
        b"FOO /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX-Odd: a\x00b\r\n\r\n",
    ],
    ids=["no request line", "no such method", "two lengths", "a negative length", "NUL"],
)
def test_malformed_http_is_refused_in_the_usual_shape(stack: Stack, request_bytes: bytes) -> None:
    status, headers, body = raw(stack, request_bytes)

    assert status.split()[1] == "400"
    assert headers["x-request-id"].startswith("req_")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-should-retry"] == "false"
    assert json.loads(body)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("path", "status", "fields"),
    [
        ("/v1/models", "200", {}),
        ("/v1/models/none", "404", {}),
        (QUOTE, "200", LEAST),
        (GENERATIONS, "200", LEAST),
        (GENERATIONS, "200", {**LEAST, "response_format": "b64_json"}),
        (GENERATIONS, "400", {"prompt": ""}),
        ("/openapi.json", "200", {}),
        ("/healthz", "200", {}),
    ],
)
def test_a_client_of_http_1_0_gets_no_chunks(
    customer: Customer, stack: Stack, path: str, status: str, fields: dict[str, str]
) -> None:
    sent = json.dumps(fields).encode() if fields else b""
    head = (
        f"{'POST' if fields else 'GET'} {path} HTTP/1.0\r\n"
        f"Authorization: Bearer {customer.api_key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(sent)}\r\n\r\n"
    )

    line, headers, body = raw(stack, head.encode() + sent)

    assert line.split()[1] == status
    assert "transfer-encoding" not in headers
    assert isinstance(json.loads(body), dict)


def test_a_stream_ends_with_its_connection_for_a_client_of_http_1_0(
    customer: Customer, stack: Stack
) -> None:
    sent = json.dumps({**LEAST, "stream": True}).encode()
    head = (
        f"POST {GENERATIONS} HTTP/1.0\r\nAuthorization: Bearer {customer.api_key}\r\n"
        f"Content-Length: {len(sent)}\r\n\r\n"
    )

    line, headers, body = raw(stack, head.encode() + sent)

    assert line.split()[1] == "200"
    assert "transfer-encoding" not in headers
    assert headers["connection"] == "close"
    assert body.startswith(b": waiting\n\n")
    _, event, data = body.rpartition(b"event: image_generation.completed\ndata: ")
    assert event
    assert isinstance(json.loads(data)["b64_json"], str)


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi.json/"])
def test_the_openapi_document_is_found_with_and_without_the_slash(
    customer: Customer, path: str
) -> None:
    assert customer.client.get(path).json()["openapi"].startswith("3.")


# --- memory -----------------------------------------------------------------------------------


def test_big_json_of_strings_that_are_not_quite_long_is_refused_in_little_memory(
    customer: Customer, stack: Stack
) -> None:
    text = "a" * 499_000 + "\U0001f98a"
    body = {**LEAST, "style": {str(number): text for number in range(60)}}
    document = json.dumps(body, ensure_ascii=False).encode()
    before = sum(psutil.Process(pid).memory_info().rss for pid in stack.pids()["web"])

    with Watch(stack.pids()["web"]) as watch, ThreadPoolExecutor(6) as pool:
        responses = list(pool.map(lambda _: customer.client.post(QUOTE, content=document), [0] * 6))

    assert {response.status_code for response in responses} <= {400, 413}
    assert watch.most_bytes - before < GROWTH_BYTES


class Watch:
    """The highest total memory of the processes, sampled repeatedly."""

    def __init__(self, pids: list[int]) -> None:
        self.most_bytes = 0
        self._processes = [psutil.Process(pid) for pid in pids]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            now = sum(process.memory_info().rss for process in self._processes)
            self.most_bytes = max(self.most_bytes, now)
