"""A real upstream on loopback that records its requests and answers with drawn images."""

import base64
import email
import email.message
import io
import json
import random
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any

from PIL import Image
from typing_extensions import override

from tests.fakes.serving import serving

NO_SIZE = (1024, 1024)
OPENAI_SIZES = "1024x1024,1536x1024,1024x1536"


@dataclass(frozen=True)
class Recorded:
    """One request as it arrived; a form's files by field, in order, with their names."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    files: list[tuple[str, str, bytes]] = field(default_factory=list)


@dataclass
class Recorder:
    """Requests so far.

    `extra` is merged into every answer, `size` is drawn in place of the requested.
    """

    port: int
    requests: list[Recorded] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def only(self) -> Recorded:
        """The only request."""
        (request,) = self.requests
        return request

    def answer(self, body: dict[str, Any]) -> bytes:
        """An answer like OpenAI's gpt-image models': base64, and facts about the picture."""
        size = self.size or size_of(body.get("size"))
        image = {"b64_json": base64.b64encode(drawn(size)).decode()}
        document = {
            "created": 1_777_105_463,
            "data": [image] * int(body.get("n", 1)),
            "size": f"{size[0]}x{size[1]}",
            "output_format": "png",
            **self.extra,
        }
        return json.dumps(document).encode()


def size_of(word: Any) -> tuple[int, int]:
    if word in (None, "auto"):
        return NO_SIZE
    width, _, height = str(word).partition("x")
    return int(width), int(height)


@cache
def drawn(size: tuple[int, int]) -> bytes:
    """A plain PNG of that size."""
    file = io.BytesIO()
    Image.new("RGB", size, (40, 90, 140)).save(file, "PNG")
    return file.getvalue()


@cache
def noise(size: tuple[int, int]) -> bytes:
    """An incompressible PNG of that size."""
    file = io.BytesIO()
    data = random.Random(7).randbytes(size[0] * size[1] * 4)  # noqa: S311 - no secret
    Image.frombytes("RGBA", size, data).save(file, "PNG")
    return file.getvalue()


def read(content_type: str, raw: bytes) -> tuple[dict[str, Any], list[tuple[str, str, bytes]]]:
    """The fields of JSON or of a form, and the form's files."""
    if not content_type.startswith("multipart/form-data"):
        return json.loads(raw), []
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\n\n" + raw)
    fields: dict[str, Any] = {}
    files: list[tuple[str, str, bytes]] = []
    for part in message.get_payload():
        assert isinstance(part, email.message.Message)
        name = str(part.get_param("name", header="Content-Disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files.append((name, str(part.get_filename()), content))
    return fields, files


@contextmanager
def answering(
    port: int,
    answer: Callable[[bytes], tuple[int, bytes]],
    *,
    headers: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Status and JSON for each body that is posted to that port of 127.0.0.1, with these headers.

    A caller may hang up meanwhile.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, content = answer(body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            return

    with serving(Handler, port=port):
        yield


@contextmanager
def recording(port: int) -> Iterator[Recorder]:
    """A recorder that listens on that port of 127.0.0.1."""
    recorder = Recorder(port)
    connections: set[socket.socket] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        @override
        def setup(self) -> None:
            super().setup()
            connections.add(self.connection)

        @override
        def finish(self) -> None:
            connections.discard(self.connection)
            super().finish()

        def do_POST(self) -> None:
            body, files = read(self.headers.get("Content-Type", ""), self._body())
            recorder.requests.append(Recorded(self.path, dict(self.headers.items()), body, files))
            answer = recorder.answer(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", "0")))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            return

    try:
        with serving(Handler, port=port):
            yield recorder
    finally:
        _cut(list(connections))


def _cut(connections: list[socket.socket]) -> None:
    """Kept alive, they would reach this recorder after its end instead of the next one."""
    for connection in connections:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
