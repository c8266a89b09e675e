"""A customer's server on a socket, in threads of its own: keeps requests, answers as scripted."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from typing_extensions import override

from tests.fakes.serving import serving


@dataclass(frozen=True)
class Told:
    """One request as it arrived."""

    headers: dict[str, str]
    body: bytes
    query: str = ""

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Hooks:
    """Requests received so far; `answers` are the next statuses, 200 when empty."""

    def __init__(self, url: str, path: str) -> None:
        self.url = url
        self.path = path
        self.told: list[Told] = []
        self.answers: list[int] = []
        self._lock = threading.Lock()

    def take(self, told: Told) -> int:
        with self._lock:
            self.told.append(told)
            return self.answers.pop(0) if self.answers else 200


@contextmanager
def listening(port: int) -> Iterator[Hooks]:
    """A receiver on `port` with a new path: others' endpoints that retry there get 410."""
    path = f"/hook/{secrets.token_hex(8)}"
    hooks = Hooks(f"http://127.0.0.1:{port}{path}", path)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            path, _, query = self.path.partition("?")
            ours = path == hooks.path
            self.send_response(hooks.take(Told(headers, body, query)) if ours else HTTPStatus.GONE)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler, port=port):
        yield hooks
