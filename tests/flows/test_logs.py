"""Logs of the running default: JSON objects, a line each."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.customers.customer import Customer
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

CELERY_S_OWN = "worker: Warm shutdown (MainProcess)"
"""Written to the terminal at SIGTERM, past every logger."""


@pytest.mark.parametrize("name", ["web", "worker", "short"])
def test_every_line_is_a_json_object(stack: Stack, customer: Customer, name: str) -> None:
    customer.generate(quality="low")

    logged = stack.log(name).replace(CELERY_S_OWN, "").split("\n")
    lines = [json.loads(line) for line in logged if line]

    assert lines
    assert all({"at", "level", "logger", "message"} <= line.keys() for line in lines)


def lines_of(stack: Stack, part: str, logger: str, request_id: str) -> list[dict[str, Any]]:
    """Lines that a part has logged of a request by one logger, so far."""
    lines = [json.loads(line) for line in stack.log(part).splitlines() if request_id in line]
    return [line for line in lines if line["logger"] == logger]


def request_line(stack: Stack, answer: httpx.Response) -> dict[str, Any]:
    """The only line about an answer's request."""
    request_id = answer.headers["x-request-id"]
    until(lambda: bool(lines_of(stack, "web", "pictor.request", request_id)))
    (line,) = lines_of(stack, "web", "pictor.request", request_id)
    return line


def test_a_request_and_each_attempt_are_one_line_each_and_tell_no_prompt(
    stack: Stack, customer: Customer
) -> None:
    prompt = "a secret garden"
    answer = customer.generate(prompt, quality="low", user="somebody")

    request = request_line(stack, answer)
    request_id = answer.headers["x-request-id"]
    attempts = lines_of(stack, "worker", "generation.attempts", request_id)

    whose = {"generation": answer.headers["x-pictor-generation-id"], "key": customer.key_id}
    assert whose.items() <= request.items()
    assert request["message"] == "POST /v1/images/generations"
    assert (request["status"], request["model"]) == (answer.status_code, "gpt-image-2-origin")
    assert attempts
    assert all(whose.items() <= line.items() for line in attempts)
    assert {"tenant", "status", "ms"} <= request.keys()
    assert {"tenant", "class", "status", "ms"} <= attempts[-1].keys()
    assert attempts[-1]["tenant"] == request["tenant"]
    logged = "".join(stack.log(part) for part in ("web", "worker", "short"))
    assert "secret garden" not in logged
    assert "somebody" not in logged


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/v1/models/no-such-model", 404, "model_not_found"), ("/v1/nothing", 404, "not_found")],
)
def test_a_refusal_is_logged_with_its_code_and_without_its_query(
    stack: Stack, customer: Customer, path: str, status: int, code: str
) -> None:
    line = request_line(stack, customer.client.get(f"{path}?token=hunter2"))

    assert (line["message"], line["status"], line["code"]) == (f"GET {path}", status, code)
    assert "hunter2" not in stack.log("web")


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 502), ({"stream": True}, 200), ({"strict_size": "no"}, 400)],
    ids=["failed", "failed in a stream", "refused"],
)
def test_a_failures_line_has_its_code_and_model(
    stack: Stack, customer: Customer, fields: dict[str, Any], status: int
) -> None:
    answer = customer.generate("[sandbox: fail=500]", quality="low", **fields)

    line = request_line(stack, answer)

    assert (line["status"], bool(line["code"])) == (status, True)
    assert answer.status_code == status
    assert line["code"] in answer.text


def test_the_line_of_a_caller_who_left_leads_to_the_generation(
    stack: Stack, customer: Customer
) -> None:
    base = urlsplit(stack.base_url)
    body = json.dumps({"model": "dall-e-3", "prompt": "[sandbox: delay=4] a fox"})
    head = (
        f"POST /v1/images/generations HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {customer.api_key}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((base.hostname, base.port), timeout=30) as wire:
        wire.sendall((head + body).encode())
        until(lambda: customer.states() == {"running": 1})

    def left() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in stack.log("web").splitlines() if "499" in line]
        return [line for line in lines if line.get("key") == customer.key_id]

    until(lambda: bool(left()))
    (line,) = left()
    (generation,) = customer.client.get("/v1/images/generations").json()["data"]
    assert (line["status"], line["generation"]) == (499, generation["id"])
    assert line["model"] == "dall-e-3"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n",
        b"GET / HTTP/1.1\r\nHost: local host\r\n",
        b"GET /pricing/?%b HTTP/1.1\r\nHost: localhost\r\n" % (b"a=1&" * 1100),
    ],
    ids=["two hosts", "two hosts on /v1", "no host", "too many fields"],
)
def test_a_senseless_head_is_a_400_with_one_log_line(stack: Stack, head: bytes) -> None:
    base = urlsplit(stack.base_url)
    with socket.create_connection((base.hostname, base.port), timeout=60) as wire:
        wire.sendall(head + b"Connection: close\r\n\r\n")
        answer = b"".join(iter(lambda: wire.recv(4096), b"")).decode()
    request_id = answer.split("x-request-id: ")[1].split("\r\n")[0]
    until(lambda: request_id in stack.log("web"))

    (line,) = [line for line in stack.log("web").splitlines() if request_id in line]

    assert answer.startswith("HTTP/1.1 400 ")
    assert json.loads(line)["logger"] == "pictor.request"
    assert "error" not in json.loads(line)


def test_unreadable_and_keyless_requests_have_lines_too(stack: Stack) -> None:
    base = urlsplit(stack.base_url)
    with socket.create_connection((base.hostname, base.port), timeout=30) as wire:
        wire.sendall(b"no such thing\r\n\r\n")
        head = b"".join(iter(lambda: wire.recv(4096), b"")).decode()
    request_id = head.split("x-request-id: ")[1].split("\r\n")[0]
    unread = httpx.Response(400, headers={"x-request-id": request_id})
    asked = httpx.options(f"{stack.base_url}/v1/models", trust_env=False)
    page = httpx.get(f"{stack.base_url}/pricing/?q=hunter3", trust_env=False, timeout=60)

    lines = [request_line(stack, answer) for answer in (unread, asked, page)]

    said = [(line["message"], line["status"]) for line in lines]
    assert said == [("refused unread", 400), ("OPTIONS /v1/models", 204), ("GET /pricing/", 200)]
    assert lines[0]["code"] == "invalid_value"
    assert "hunter3" not in stack.log("web")
