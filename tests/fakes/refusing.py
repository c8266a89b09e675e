"""A real upstream on loopback that refuses at once, or after some good answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.customers.customer import Operator
from tests.fakes.recorder import Recorder, answering

REFUSAL = b'{"error": {"message": "no", "type": "x", "code": "x"}}'


class Refusing:
    """Draws `good_calls` images, then answers every call with one status; it counts all calls."""

    def __init__(self, port: int, status: int, good_calls: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/v1"
        self.calls = 0
        self._status = status
        self._good_calls = good_calls
        self._counting = threading.Lock()
        self._good = Recorder(port).answer({"size": "1024x1024"})

    def answer(self, _body: bytes) -> tuple[int, bytes]:
        with self._counting:
            self.calls += 1
            is_good = self.calls <= self._good_calls
        return (200, self._good) if is_good else (self._status, REFUSAL)


@contextmanager
def refusing(
    port: int, status: int, *, good_calls: int = 0, headers: dict[str, str] | None = None
) -> Iterator[Refusing]:
    """The upstream, listening on that port of 127.0.0.1; `headers` go with every answer."""
    upstream = Refusing(port, status, good_calls)
    with answering(port, upstream.answer, headers=headers):
        yield upstream


@contextmanager
def first_channel(operator: Operator, name: str, base_url: str) -> Iterator[None]:
    """A channel before all others, for as long as the block lasts.

    Breakers of both channels are reset: with one left open by an earlier test, the sandbox would be
    no way out, and every call would go to this channel.
    """
    operator("channel", "set", name, "--base-url", base_url, "--api-key", "k", "--priority", "1")
    operator("channel", "enable", name, "--untested")
    operator("channel", "reset", name)
    operator("channel", "reset", "sandbox")
    try:
        yield
    finally:
        operator("channel", "disable", name, "--yes")
