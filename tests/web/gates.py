"""The body gate, with an application behind it that records its input."""

import json

import pytest

from accounts.authentication import read_bearer
from accounts.keys import mint
from generation.admission.inputs import FORMS
from pictor.application import check_key
from pictor.kit.bytes.spools import process_spools
from pictor.web import gate
from pictor.web.edge import App
from pictor.web.gate import BodyGate
from tests.web.conftest import Exchange

UNKNOWN = {"Authorization": f"Bearer {mint()}"}
"""A key of our form without a row: only a look-up can tell."""
CHUNKED = {"Transfer-Encoding": "chunked"}
GZIP = {"Content-Encoding": "gzip"}
KILOBYTE, MEGABYTE = 1024, 1024**2


def gate_of(app: App) -> BodyGate:
    """The gate with the settings that the application uses."""
    return BodyGate(app, read_key=read_bearer, check_key=check_key, forms=FORMS)


class Inner:
    """The application behind the gate: it records the bodies it was given."""

    def __init__(self) -> None:
        self.skeletons: list[bytes] = []
        self.long_strings: list[bytes] = []
        self.spooled_bytes = 0

    async def __call__(self, scope, receive, send):
        body = scope["pictor.body"]
        self.skeletons.append(body.skeleton)
        for sink in body.long_strings:
            self.long_strings.append(b"".join(sink.spool.chunks()))
        self.spooled_bytes = process_spools().budget.used_bytes
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def app(inner):
    return gate_of(inner)


@pytest.fixture(autouse=True)
def short_drain(monkeypatch):
    monkeypatch.setattr(gate, "DRAIN_SECONDS", 0.05)


def error_of(exchange: Exchange) -> tuple[int, str]:
    return exchange.status, json.loads(exchange.body)["error"]["code"]


def length(count: int) -> dict[str, str]:
    return {"Content-Length": str(count)}
