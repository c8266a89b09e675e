"""Processes of the running stack: stopped for a while, or watched until a condition holds."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import psycopg

from tests.stack.servers import Stack


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    """Poll until the condition holds; fail after that many seconds."""
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, f"not so within {seconds} s"
        threading.Event().wait(0.03)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop the process inside the block; it goes on afterwards unless it was killed."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def command_lines(stack: Stack) -> str:
    """Command lines of all its processes; those of database connections may end meanwhile."""
    words: list[str] = []
    for process in psutil.Process(stack.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            words += process.cmdline()
    return " ".join(words)


def outlive_leases(stack: Stack) -> None:
    """Let all leases expire without the wait; live image workers renew theirs."""
    with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(
            "UPDATE generation_worker SET seen_at = seen_at - interval '1 minute'"
            " WHERE stopped_at IS NULL"
        )


_TLS = httpx.create_ssl_context()
"""Read once: a look at a part must be cheap, and uses plain HTTP."""
NOT_PROBED = {"sandbox": "SANDBOX_URL", "s3": "S3_ENDPOINT_URL"}
"""Parts that the site's own probe does not check, and the variables with their addresses."""


def answers(stack: Stack, role: str) -> bool:
    """True if a part of NOT_PROBED takes requests: a process begins before it listens."""
    try:
        httpx.get(stack.env[NOT_PROBED[role]], verify=_TLS, trust_env=False, timeout=10)
    except httpx.HTTPError:
        return False
    return True


def is_whole(stack: Stack) -> bool:
    """True if every part runs, all is ready, and an image worker renews its lease."""
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
