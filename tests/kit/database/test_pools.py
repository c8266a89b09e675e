"""Threads for calls of loops: their number, abandoned calls, and the end."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from prometheus_client import REGISTRY

from pictor.kit.database import pools
from pictor.kit.database.pools import Pool
from pictor.kit.running import retries
from tests.stack.servers import ROOT

pytestmark = pytest.mark.anyio


def pool(count: int) -> Pool:
    return Pool("test", count, asks_database=False)


async def begun(a_pool: Pool, function: Callable[[], Any]) -> "asyncio.Task[Any]":
    asked = asyncio.create_task(a_pool(function))
    await asyncio.sleep(0)
    return asked


def unfinished() -> float | None:
    return REGISTRY.get_sample_value("pictor_pool_calls", {"pool": "test"})


async def test_a_thread_that_is_free_takes_the_next_call():
    threads = pool(8)

    used = {await threads(threading.get_ident) for _ in range(20)}

    assert len(used) < 8  # one is free shortly after it has answered
    assert unfinished() == 0


async def test_no_more_threads_than_its_count_are_made(gate):
    threads = pool(3)
    used: set[int] = set()

    def work() -> None:
        used.add(threading.get_ident())
        gate.wait(10)

    asked = [await begun(threads, work) for _ in range(7)]
    assert unfinished() == 7
    assert REGISTRY.get_sample_value("pictor_pool_threads", {"pool": "test"}) == 3
    gate.set()
    await asyncio.gather(*asked)

    assert len(used) <= 3


async def test_a_call_that_is_given_up_before_it_begins_is_not_made(gate):
    threads, made = pool(1), []
    blocker = await begun(threads, lambda: gate.wait(10))
    given_up = await begun(threads, lambda: made.append("given up"))
    last = await begun(threads, lambda: made.append("last"))

    given_up.cancel()
    await asyncio.wait([given_up])
    assert unfinished() == 2
    gate.set()
    await blocker
    await last

    assert made == ["last"]
    assert unfinished() == 0


@pytest.mark.parametrize("error", [ValueError("no"), None])
async def test_a_call_that_is_given_up_while_it_is_made_goes_on_to_its_end(gate, error):
    threads, over, has_begun = pool(1), threading.Event(), threading.Event()

    def work() -> None:
        has_begun.set()
        gate.wait(10)
        over.set()
        if error is not None:
            raise error

    asked = await begun(threads, work)
    await asyncio.to_thread(has_begun.wait, 10)
    asked.cancel()
    await asyncio.wait([asked])
    assert (over.is_set(), unfinished()) == (False, 1)
    gate.set()

    assert await threads(lambda: "goes on") == "goes on"
    assert over.is_set()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of other tests' garbage, collected here
async def test_nothing_of_a_call_is_kept_after_it():
    class Large:
        pass

    threads = pool(1)
    kept = Large()
    seen = weakref.ref(kept)

    def work(value: Large = kept) -> Large:
        return value

    await threads(work)
    del kept, work

    async with asyncio.timeout(10):
        while seen() is not None:
            gc.collect()
            await asyncio.sleep(0.01)


async def test_an_error_is_raised_where_the_call_was_asked_for_and_keeps_nothing():
    threads = pool(1)

    def fails() -> None:
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        await threads(fails)
    assert await threads(lambda: "next") == "next"


def test_a_loop_that_is_gone_takes_no_thread_with_it(gate):
    threads, has_begun = pool(1), threading.Event()

    def work() -> None:
        has_begun.set()
        gate.wait(10)

    async def asks_and_leaves() -> None:
        await begun(threads, work)
        await asyncio.to_thread(has_begun.wait, 10)

    async def asks() -> object:
        return await threads(lambda: "still here")

    asyncio.run(asks_and_leaves())
    gate.set()

    assert asyncio.run(asks()) == "still here"


def test_a_process_that_ends_waits_for_what_was_begun():
    code = """
import asyncio, threading, time
from pictor.kit.database.pools import Pool

async def main():
    begun = threading.Event()
    def work():
        begun.set()
        time.sleep(0.3)
        print("done", flush=True)
    asyncio.ensure_future(Pool("test", 2, asks_database=False)(work))
    await asyncio.to_thread(begun.wait)

asyncio.run(main())
"""
    path = f"{ROOT}:{ROOT / 'platform'}"
    ran = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", code],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert (ran.stdout, ran.stderr) == ("done\n", "")


@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("away")])
async def test_a_sure_write_succeeds_once_the_database_is_back(monkeypatch, error):
    monkeypatch.setattr(pools, "_again", retries.calls(pause_seconds=0.0))
    answers = iter([error, error])

    def write(value: int) -> int:
        for away in answers:
            raise away
        return value

    assert await pools.surely(write, 7) == 7


async def test_an_error_of_the_write_itself_is_not_repeated():
    tries = []

    def write() -> None:
        tries.append(1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await pools.surely(write)
    assert tries == [1]
