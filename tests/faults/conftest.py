"""Each test of faults leaves the stack as it found it: whole."""

from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.processes import until
from tests.servers import Stack


@pytest.fixture(autouse=True)
def whole_again(stack: Stack) -> Iterator[None]:
    """What a test killed is back before the next one looks at processes, or kills again."""
    yield
    until(lambda: is_whole(stack))


def is_whole(stack: Stack) -> bool:
    """Every part runs, the site is ready, and an image worker renews its lease."""
    pids = [pid for pids in stack.pids().values() for pid in pids]
    return all(_runs(pid) for pid in pids) and _is_ready(stack)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_ready(stack: Stack) -> bool:
    try:
        answer = httpx.get(f"{stack.base_url}/readyz", trust_env=False, timeout=10)
    except httpx.HTTPError:
        return False
    return answer.is_success and bool(answer.json()["image_workers"])
