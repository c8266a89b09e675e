"""A real upstream on loopback that refuses: from the start, or after so many good answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from typing_extensions import override

from tests.contracts.recorder import BurstServer, Recorder
from tests.customer import Operator

REFUSAL = b'{"error": {"message": "no", "type": "x", "code": "x"}}'


class Refusing:
    """Draws `good_calls` images, then answers every call with one status; it counts all calls."""

    def __init__(self, port: int, status: int, good_calls: int, headers: dict[str, str]) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.headers = headers
        self.calls = 0
        self._status = status
        self._good_calls = good_calls
        self._counting = threading.Lock()
        self._good = Recorder(port).answer({"size": "1024x1024"})

    def answer(self) -> tuple[int, bytes]:
        with self._counting:
            self.calls += 1
            is_good = self.calls <= self._good_calls
        return (200, self._good) if is_good else (self._status, REFUSAL)


@contextmanager
def refusing(
    port: int, status: int, *, good_calls: int = 0, headers: dict[str, str] | None = None
) -> Iterator[Refusing]:
    """The upstream, listening on that port of 127.0.0.1; `headers` go with every answer."""
    upstream = Refusing(port, status, good_calls, headers or {})

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, body = upstream.answer()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in upstream.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            return

    server = BurstServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def first_channel(operator: Operator, name: str, base_url: str) -> Iterator[None]:
    """A channel before all others, for as long as the block lasts."""
    operator("channel", "set", name, "--base-url", base_url, "--api-key", "k", "--priority", "1")
    operator("channel", "enable", name, "--untested")
    operator("channel", "reset", name)
    try:
        yield
    finally:
        operator("channel", "disable", name)
