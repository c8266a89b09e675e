"""Channels that refuse: for long, all of a sudden, or for all models together."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from typing_extensions import override

from tests.contracts.recorder import Recorder
from tests.customer import Customer, Operator
from tests.flows.test_channels import PRICE_OF_LOW, answering, first_channel
from tests.servers import Stack

AT_ONCE_SECONDS = 10.0
MODELS = (
    *("gpt-image-1", "gpt-image-2", "gpt-image-2-pro", "gpt-image-2-auto", "gpt-image-2-origin"),
    *("dall-e-2", "dall-e-3"),
)


def test_a_gate_that_opens_too_late_is_not_waited_for(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        answering(stack.upstream_ports[2], 429, Retry_After="2099") as dead,
        first_channel(operator, "refusing", dead.base_url),
        only_that_channel(operator),
    ):
        customer.generate("a fox")
        began = time.monotonic()
        response = customer.generate("a fox")
        seconds = time.monotonic() - began

    assert seconds < AT_ONCE_SECONDS
    assert response.status_code == 503, response.text
    assert dead.calls == 1
    assert customer.balance() == (10_000_000, 0)


@contextmanager
def only_that_channel(operator: Operator) -> Iterator[None]:
    operator("channel", "disable", "sandbox")
    try:
        yield
    finally:
        operator("channel", "enable", "sandbox")


@pytest.mark.parametrize("good_calls", [8, 20])
def test_a_channel_that_was_healthy_and_begins_to_refuse_is_called_ten_times_at_most(
    customer: Customer, operator: Operator, stack: Stack, good_calls: int
) -> None:
    with (
        turning(stack.upstream_ports[2], good_calls) as upstream,
        first_channel(operator, "refusing", upstream.base_url),
    ):
        four_at_a_time(customer, ["gpt-image-2-origin"] * good_calls)
        bad = four_at_a_time(customer, ["gpt-image-2-origin"] * 40)

    assert [response.status_code for response in bad] == [200] * 40
    assert 1 <= upstream.calls - good_calls <= 10
    assert customer.captures() == [PRICE_OF_LOW] * (40 + good_calls)


def test_a_key_that_is_refused_is_refused_for_all_models_of_the_channel(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    with (
        answering(stack.upstream_ports[2], 401) as dead,
        first_channel(operator, "refusing", dead.base_url),
    ):
        responses = four_at_a_time(customer, [MODELS[number % 7] for number in range(40)])

    assert [response.status_code for response in responses] == [200] * 40
    assert 1 <= dead.calls <= 10


def four_at_a_time(customer: Customer, models: list[str]) -> list[httpx.Response]:
    def generate(model: str) -> httpx.Response:
        quality: dict[str, Any] = {} if model.startswith("dall-e") else {"quality": "low"}
        return customer.generate("a boat", model=model, **quality)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(generate, models))


class Turning:
    """An upstream that draws so many images, then refuses every call; it counts."""

    def __init__(self, port: int, good_calls: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.calls = 0
        self._good_calls = good_calls
        self._counting = threading.Lock()
        self._good = Recorder(port).answer({"size": "1024x1024"})

    def answer(self) -> tuple[int, bytes]:
        with self._counting:
            self.calls += 1
            if self.calls <= self._good_calls:
                return 200, self._good
            return 503, b'{"error": {"message": "no", "type": "x", "code": "x"}}'


@contextmanager
def turning(port: int, good_calls: int) -> Iterator[Turning]:
    upstream = Turning(port, good_calls)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, body = upstream.answer()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
