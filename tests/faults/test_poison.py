"""A generation that kills its worker fails alone; what was in flight beside it succeeds."""

import contextlib
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from typing_extensions import override

from tests.contracts.recorder import BurstServer, Recorder
from tests.contracts.refusing import first_channel
from tests.customer import Customer, Operator
from tests.flows.conftest import customer, make_customer, make_customer_once, operator
from tests.processes import until
from tests.servers import Stack

__all__ = ["customer", "make_customer", "make_customer_once", "operator"]

pytestmark = pytest.mark.timeout(240)

LATER = {"Prefer": "respond-async"}
PRICE_OF_LOW = 5_880
NEIGHBOURS = 6


class Killing:
    """An upstream that kills the image worker when it is asked for poison.

    The poison is answered only when `company` calls are at this upstream beside it, so that the
    first death takes all of them along.
    """

    def __init__(self, stack: Stack, company: int) -> None:
        self.base_url = f"http://127.0.0.1:{stack.upstream_ports[2]}/v1"
        self.calls: Counter[str] = Counter()
        self._stack = stack
        self._company = company
        self._has_killed = threading.Event()
        self._good = Recorder(stack.upstream_ports[2]).answer({"size": "1024x1024"})

    def answer(self, prompt: str) -> bytes:
        self.calls[prompt] += 1
        if prompt != "poison":
            self._has_killed.wait(60)
            return self._good
        until(lambda: sum(self.calls.values()) > self._company)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._stack.pids()["worker"][0], signal.SIGKILL)
        self._has_killed.set()
        return b""


@contextlib.contextmanager
def killing(stack: Stack, *, company: int) -> Iterator[Killing]:
    upstream = Killing(stack, company)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = upstream.answer(body["prompt"])
            with contextlib.suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            return

    server = BurstServer(("127.0.0.1", stack.upstream_ports[2]), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_poison_fails_at_its_third_dispatch_and_its_neighbours_succeed(
    customer: Customer, operator: Operator, stack: Stack
) -> None:
    prompts = ["poison", *(f"boat {number}" for number in range(NEIGHBOURS))]
    with (
        killing(stack, company=NEIGHBOURS) as upstream,
        first_channel(operator, "killing", upstream.base_url),
    ):
        for prompt in prompts:
            answer = customer.generate(prompt, quality="low", headers=LATER)
            assert answer.status_code == 202
        until(lambda: customer.states() == {"succeeded": NEIGHBOURS, "failed": 1}, seconds=180)

    assert upstream.calls["poison"] == 3
    assert {upstream.calls[prompt] for prompt in prompts[1:]} == {2}
    assert customer.captures() == [PRICE_OF_LOW] * NEIGHBOURS
    assert customer.balance() == (10_000_000 - NEIGHBOURS * PRICE_OF_LOW, 0)
    assert stack.manage("ledger_check").returncode == 0
