"""The web layer called as an ASGI server calls it, without sockets, with keys that exist."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from pictor.application import build
from pictor.kit.redis.client import forget_client
from pictor.web.edge import App, Message
from tests.making.factories import PayingCustomer

ANSWER_SECONDS = 10


@dataclass
class Exchange:
    """One request and its result: the answer, and the order of events."""

    scope: dict[str, Any]
    to_come: list[Message]
    hangs: bool
    """Whether the client stays silent after its messages; otherwise it disconnects."""
    events: list[str] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)

    async def receive(self) -> Message:
        self.events.append("receive")
        if self.to_come:
            return self.to_come.pop(0)
        if self.hangs:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.events.append(message["type"].removeprefix("http.response."))
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def body_of(*chunks: bytes, is_whole: bool = True) -> list[Message]:
    """Messages of a request body; if not whole, more is announced and never comes."""
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks or (b"",)
    ]
    messages[-1]["more_body"] = not is_whole
    return messages


def make_exchange(
    *,
    method: str = "POST",
    path: str = "/v1/images/generations",
    headers: dict[str, str] | None = None,
    messages: Sequence[Message] = (),
    hangs: bool = False,
    address: str = "203.0.113.9",
) -> Exchange:
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in (headers or {}).items()
        ],
        "client": (address, 1234),
        "server": ("127.0.0.1", 80),
        "scheme": "http",
        "root_path": "",
        "http_version": "1.1",
    }
    return Exchange(scope, list(messages), hangs)


async def call(app: App, **options: Any) -> Exchange:
    """Call the application with one request and wait for its end."""
    exchange = make_exchange(**options)
    async with asyncio.timeout(ANSWER_SECONDS):
        await app(exchange.scope, exchange.receive, exchange.send)
    return exchange


@pytest.fixture
def acme(pooled_connections: None) -> PayingCustomer:
    return PayingCustomer("acme")


@pytest.fixture
def bearer(acme: PayingCustomer) -> dict[str, str]:
    """The header of a key that is in the database."""
    return {"Authorization": f"Bearer {acme.plaintext}"}


@pytest.fixture
def whole() -> Iterator[App]:
    """The application of the settings."""
    forget_client()
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    yield build()
    forget_client()
