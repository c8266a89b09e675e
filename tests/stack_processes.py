"""Processes of the running stack: stopped for a while, and looked at until something is so."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import psycopg

from tests.servers import Stack


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Look again and again, return as soon as it is so; fails after that many seconds."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"not so within {seconds} s"
        threading.Event().wait(0.03)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process does nothing inside the block, and goes on after it unless it was killed."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def command_lines(stack: Stack) -> str:
    """Of all its processes; a connection's, in PostgreSQL, may end between two looks."""
    words: list[str] = []
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            words += process.cmdline()
    return " ".join(words)


def outlive_leases(stack: Stack) -> None:
    """All leases have run out, without the wait for it; image workers that live renew theirs."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "UPDATE generation_worker SET seen_at = seen_at - interval '1 minute'"
            " WHERE stopped_at IS NULL"
        )


_TLS = httpx.create_ssl_context()
"""Read once: a look at a part is to cost little, and takes plain HTTP."""
NOT_PROBED = {"sandbox": "SANDBOX_URL", "s3": "S3_ENDPOINT_URL"}
"""Parts of which the site's own probe says nothing, and where they are."""


def answers(stack: Stack, role: str) -> bool:
    """Whether one of NOT_PROBED takes requests: a new process begins before it listens."""
    try:
        httpx.get(stack.env[NOT_PROBED[role]], verify=_TLS, trust_env=False, timeout=10)
    except httpx.HTTPError:
        return False
    return True


def is_whole(stack: Stack) -> bool:
    """Every part runs and answers, the site is ready, and an image worker renews its lease."""
    pids = [pid for pids in stack.pids().values() for pid in pids]
    is_well = all(_runs(pid) for pid in pids) and _is_ready(stack)
    return is_well and all(answers(stack, role) for role in NOT_PROBED)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_ready(stack: Stack) -> bool:
    try:
        answer = httpx.get(f"{stack.base_url}/readyz", verify=_TLS, trust_env=False, timeout=10)
    except httpx.HTTPError:
        return False
    return answer.is_success and bool(answer.json()["image_workers"])
