"""Several channels: the dead one is left alone, nobody pays twice, commands hold at once."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typing_extensions import override

from tests.contracts.recorder import Recorder
from tests.customer import Customer, Operator
from tests.servers import Stack

pytest_plugins = ("tests.contracts.channel",)

PRICE_OF_LOW = 5_880
BOATS = [{"prompt": f"boat {number}", "quality": "low"} for number in range(40)]


@dataclass
class Dead:
    """An upstream that answers every call with one status, and counts."""

    port: int
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    calls: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def answering(port: int, status: int, **headers: str) -> Iterator[Dead]:
    dead = Dead(port, status, headers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            dead.calls += 1
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            body = json.dumps({"error": {"message": "no", "type": "x", "code": "x"}}).encode()
            self.send_response(dead.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in dead.headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield dead
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def first_channel(operator: Operator, name: str, base_url: str) -> Iterator[None]:
    """A channel before all others, for as long as the block lasts."""
    operator("channel", "set", name, "--base-url", base_url, "--api-key", "k", "--priority", "1")
    operator("channel", "enable", name)
    operator("channel", "reset", name)
    try:
        yield
    finally:
        operator("channel", "disable", name)


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_channel_that_refuses_is_called_ten_times_of_forty_at_most(
    customer: Customer, operator: Operator, stack: Stack, status: int
) -> None:
    with (
        answering(stack.upstream_ports[2], status) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        responses = asyncio.run(customer.generate_many(BOATS))

    assert [response.status_code for response in responses] == [200] * 40
    assert 1 <= dead.calls <= 10
    assert customer.captures() == [PRICE_OF_LOW] * 40


def test_a_channel_that_cannot_be_reached_is_passed_over(
    customer: Customer, operator: Operator, stack: Stack, database: Any
) -> None:
    url = f"http://127.0.0.1:{stack.upstream_ports[3]}"
    with first_channel(operator, "unreachable", url):
        responses = asyncio.run(customer.generate_many(BOATS))

    (tried,) = database.execute(
        "SELECT count(*) FROM generation_attempt AS a"
        " JOIN generation_channel AS c ON c.id = a.channel_id WHERE c.name = 'unreachable'"
    ).fetchone()
    assert [response.status_code for response in responses] == [200] * 40
    assert 1 <= tried <= 10
    assert customer.captures() == [PRICE_OF_LOW] * 40


def test_a_call_whose_fate_is_unknown_is_never_sent_again(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        answering(stack.upstream_ports[2], 500) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        response = customer.generate("a fox")

    assert response.status_code == 502
    assert dead.calls == 1
    assert customer.balance() == (10_000_000, 0)


def test_a_gate_stays_closed_as_long_as_the_upstream_said_until_it_is_reset(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        answering(stack.upstream_ports[2], 429, Retry_After="60") as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        customer.generate("a fox", quality="low")
        customer.generate("a fox", quality="low")
        calls_before_reset = dead.calls
        operator("channel", "reset", "refusing")
        customer.generate("a fox", quality="low")

    assert calls_before_reset == 1
    assert dead.calls == 2
    assert customer.captures() == [PRICE_OF_LOW] * 3


def test_a_burst_to_a_new_channel_does_not_spill_over_to_a_lower_rank(
    customer: Customer, upstream: Recorder, operator: Operator
) -> None:
    operator("channel", "reset", "rec")

    responses = asyncio.run(customer.generate_many(BOATS))

    assert [response.status_code for response in responses] == [200] * 40
    assert len(upstream.requests) == 40
