"""Bad input and failing neighbours: a clear error in OpenAI's shape, and nothing lost."""

import json
import socket
import time
from typing import Any

import httpx
import pytest

from tests.customers.customer import GENERATIONS, Customer, Operator
from tests.stack.running import MakeCustomer
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

WELL_FORMED_STRANGER = "sk-pictor-000000000000000000000000000000000POhOV"


def error_of(response: httpx.Response) -> tuple[int, str, str | None, str | None]:
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return response.status_code, error["type"], error["code"], error["param"]


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        "Bearer sk-pictor-short",
        "Bearer sk-pictor-00000000000000000000000000000000000000",
        "Bearer two words",
    ],
)
def test_without_a_usable_key_it_is_401(stack: Stack, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}

    response = httpx.post(stack.base_url + GENERATIONS, json={}, headers=headers, trust_env=False)

    assert error_of(response) == (401, "invalid_request_error", "invalid_api_key", None)


def test_a_revoked_key_is_refused_at_once(customer: Customer, operator: Operator) -> None:
    before = customer.generate("a fox")
    operator("key", "revoke", customer.key_id)

    after = customer.generate("a fox")

    assert before.status_code == 200
    assert error_of(after) == (401, "invalid_request_error", "invalid_api_key", None)


INVALID = "invalid_request_error"
REFUSALS: list[tuple[dict[str, Any], tuple[int, str, str, str | None]]] = [
    ({"size": "100x100"}, (400, INVALID, "invalid_size", "size")),
    ({"size": "auto"}, (400, INVALID, "invalid_size", "size")),
    ({"size": 1024}, (400, INVALID, "invalid_type", "size")),
    ({"model": "gpt-image-9"}, (404, INVALID, "model_not_found", "model")),
    ({"model": None}, (400, INVALID, "missing_required_parameter", "model")),
    ({"model": 7}, (400, INVALID, "invalid_type", "model")),
    ({"prompt": "   "}, (400, INVALID, "missing_required_parameter", "prompt")),
    ({"prompt": None}, (400, INVALID, "missing_required_parameter", "prompt")),
    ({"prompt": "x" * 32_001}, (400, INVALID, "string_above_max_length", "prompt")),
    ({"prompt": "a\x00b"}, (400, INVALID, "invalid_value", "prompt")),
    ({"n": 11}, (400, INVALID, "invalid_value", "n")),
    ({"n": True}, (400, INVALID, "invalid_type", "n")),
    ({"quality": "ultra"}, (400, INVALID, "invalid_value", "quality")),
    ({"promt": "x"}, (400, INVALID, "unknown_parameter", "promt")),
]


@pytest.mark.refused
@pytest.mark.parametrize(("fields", "expected"), REFUSALS)
def test_a_request_outside_the_contract_is_refused(
    customer: Customer, fields: dict[str, Any], expected: tuple[int, str, str, str | None]
) -> None:
    body = {"model": "gpt-image-2-origin", "prompt": "a fox", **fields}

    response = customer.client.post(GENERATIONS, json=body)

    assert error_of(response) == expected
    assert customer.states() == {}


@pytest.mark.refused
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'"text"',
        b"null",
        b'{"prompt": "a", "prompt": "b"}',
        b'{"n": NaN}',
        b'{"style": {"weight": 1e999}}',
        b'{"n": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b'{"prompt": "\xff\xfe"}',
        b"\xff\xfe{\x00}\x00",
    ],
)
def test_a_body_that_is_no_json_object_is_refused(customer: Customer, body: bytes) -> None:
    response = customer.client.post(GENERATIONS, content=body)

    assert error_of(response) == (400, "invalid_request_error", "invalid_json", None)


def test_a_body_above_the_limit_is_413_announced_or_chunked(customer: Customer) -> None:
    def chunks() -> Any:
        for _ in range(34):
            yield b" " * 1024**2

    announced = customer.client.post(GENERATIONS, content=b" " * (33 * 1024**2))
    chunked = customer.client.post(GENERATIONS, content=chunks())

    assert error_of(announced) == (413, "invalid_request_error", "request_too_large", None)
    assert error_of(chunked) == (413, "invalid_request_error", "request_too_large", None)


def test_a_400_mb_body_without_a_key_is_refused_before_it_is_read(stack: Stack) -> None:
    host, port = stack.base_url.removeprefix("http://").split(":")
    announced = 400 * 1024**2
    sent = 0

    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            f"POST {GENERATIONS} HTTP/1.1\r\nHost: {host}\r\n"
            f"Content-Length: {announced}\r\n\r\n".encode()
        )
        started = time.monotonic()
        answer = b""
        while b"invalid_api_key" not in answer and (more := connection.recv(65536)):
            answer += more
        try:
            while sent < announced and time.monotonic() - started < 20:
                sent += connection.send(b"x" * 65536)
        except OSError:
            pass  # the server has closed the connection

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b'"invalid_api_key"' in answer
    assert sent < 16 * 1024**2


def test_malformed_http_is_refused_with_an_error_object(stack: Stack) -> None:
    host, port = stack.base_url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"NONSENSE\x00 / HTTP/9.9\r\n\r\n")
        answer = b""
        while more := connection.recv(65536):
            answer += more

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'{"error":{"message":' in answer


def test_a_balance_too_low_says_how_much_is_missing(make_customer: MakeCustomer) -> None:
    customer = make_customer("0.01")

    response = customer.generate("a fox", quality="low", size="2880x2880")

    assert error_of(response) == (429, "insufficient_quota", "insufficient_quota", None)
    assert response.headers["x-should-retry"] == "false"
    assert "0.00" in response.json()["error"]["message"]
    assert customer.balance() == (10_000, 0)


@pytest.mark.parametrize(
    ("directive", "status", "code"),
    [
        ("fail=500", 502, "upstream_error"),
        ("fail=400", 400, "invalid_value"),
        ("fail=401", 503, "no_channel_available"),
        ("fail=moderation", 400, "moderation_blocked"),
        ("fail=reset", 502, "upstream_error"),
        ("fail=truncate", 502, "upstream_error"),
        ("fail=html", 502, "upstream_error"),
        ("fail=empty", 502, "upstream_error"),
        ("corrupt", 502, "upstream_error"),
    ],
)
def test_a_misbehaving_upstream_is_a_clean_error_and_costs_nothing(
    customer: Customer, directive: str, status: int, code: str, sound_ledger: None
) -> None:
    response = customer.generate(f"a fox [sandbox: {directive}]")

    assert response.status_code == status, response.text
    assert response.json()["error"]["code"] == code
    assert "not charged" in response.json()["error"]["message"]
    assert response.headers["x-should-retry"] == "false"
    assert "sandbox" not in response.json()["error"]["message"]
    assert customer.balance() == (10_000_000, 0)


def test_fewer_images_than_asked_for_are_charged_as_delivered(customer: Customer) -> None:
    response = customer.generate("a fox [sandbox: images=2]", n=4, quality="low")

    assert response.status_code == 200
    assert len(response.json()["data"]) == 2
    assert response.json()["metadata"]["ignored"] == ["n"]
    assert customer.captures() == [2 * 5_880]


def test_an_upstream_that_is_down_is_503_and_the_hold_is_released(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    operator("channel", "disable", "sandbox", "--yes")
    url = f"http://127.0.0.1:{stack.upstream_ports[0]}"
    operator("channel", "set", "down", "--base-url", url, "--api-key", "k")
    operator("channel", "enable", "down", "--untested")

    try:
        response = customer.generate("a fox")
    finally:
        operator("channel", "disable", "down", "--yes")
        operator("channel", "enable", "sandbox")

    assert error_of(response) == (503, "upstream_error", "no_channel_available", None)
    assert customer.balance() == (10_000_000, 0)
    assert customer.states() == {"failed": 1}


def test_an_operator_finds_what_was_refused_by_its_request(
    customer: Customer, operator: Operator
) -> None:
    refused = customer.generate("a fox", n=99)
    request_id = refused.headers["x-request-id"]

    until(lambda: request_id in operator("generation", "show", customer.key_id))
    told = json.loads(operator("generation", "show", request_id, "--json"))["refused"]

    assert (told["status"], told["code"], told["param"]) == (400, "invalid_value", "n")
    assert told["message"] == refused.json()["error"]["message"]
    assert told["key_id"] == customer.key_id
