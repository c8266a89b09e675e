"""A real upstream on loopback whose answers a test holds back, by prompt."""

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator

from tests.fakes.recorder import Recorder, answering
from tests.stack.servers import Stack


class Holding:
    """Hold every answer back until released; from then on answer at once."""

    def __init__(self, stack: Stack) -> None:
        self.port = stack.upstream_ports[2]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.calls: Counter[str] = Counter()
        self._may_answer = threading.Event()
        self._good = Recorder(self.port).answer({"size": "1024x1024"})

    @property
    def all_calls(self) -> int:
        return sum(self.calls.values())

    def let_go(self) -> None:
        self._may_answer.set()

    def answer(self, prompt: str) -> bytes:
        self.calls[prompt] += 1
        self._may_answer.wait(60)
        return self._good


@contextlib.contextmanager
def serving(port: int, answer: Callable[[str], bytes]) -> Iterator[None]:
    """The answers to prompts as a server on that port of 127.0.0.1."""

    def answered(body: bytes) -> tuple[int, bytes]:
        return 200, answer(json.loads(body)["prompt"])

    with answering(port, answered):
        yield
