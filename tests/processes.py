"""Processes of the running stack: stopped for a while, and looked at until something is so."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Look again and again, return as soon as it is so; fails after that many seconds."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"not so within {seconds} s"
        threading.Event().wait(0.1)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process does nothing inside the block, and goes on after it."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
