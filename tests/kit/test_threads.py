"""Threads for the calls of event loops: how many, what of those that nobody waits for, the end."""

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from pictor.kit.threads import Threads
from tests.servers import ROOT

pytestmark = pytest.mark.anyio


def ask(threads: Threads, function: Callable[[], Any]) -> "asyncio.Future[Any]":
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    threads.make(function, future)
    return future


async def test_a_thread_that_is_free_takes_the_next_call():
    threads = Threads("test", 8)

    used = {await ask(threads, threading.get_ident) for _ in range(20)}

    assert len(used) == 1
    assert threads.unfinished == 0


async def test_no_more_threads_than_its_count_are_made(gate):
    threads = Threads("test", 3)
    used: set[int] = set()

    def work() -> None:
        used.add(threading.get_ident())
        gate.wait(10)

    asked = [ask(threads, work) for _ in range(7)]
    assert threads.unfinished == 7
    gate.set()
    await asyncio.gather(*asked)

    assert len(used) <= 3


async def test_a_call_that_is_given_up_before_it_begins_is_not_made(gate):
    threads, made = Threads("test", 1), []
    blocker = ask(threads, lambda: gate.wait(10))
    given_up = ask(threads, lambda: made.append("given up"))
    last = ask(threads, lambda: made.append("last"))

    given_up.cancel()
    gate.set()
    await blocker
    await last

    assert made == ["last"]
    assert threads.unfinished == 0


@pytest.mark.parametrize("error", [ValueError("no"), None])
async def test_a_call_that_is_given_up_while_it_is_made_goes_on_to_its_end(gate, error):
    threads, over, has_begun = Threads("test", 1), threading.Event(), threading.Event()

    def work() -> None:
        has_begun.set()
        gate.wait(10)
        over.set()
        if error is not None:
            raise error

    asked = ask(threads, work)
    await asyncio.to_thread(has_begun.wait, 10)
    asked.cancel()
    assert not over.is_set()
    gate.set()

    assert await ask(threads, lambda: "goes on") == "goes on"
    assert over.is_set()


async def test_nothing_of_a_call_is_kept_after_it():
    class Large:
        pass

    threads = Threads("test", 1)
    kept = Large()
    seen = weakref.ref(kept)

    def work(value: Large = kept) -> Large:
        return value

    await ask(threads, work)
    del kept, work

    async with asyncio.timeout(10):
        while seen() is not None:
            gc.collect()
            await asyncio.sleep(0.01)


async def test_an_error_is_raised_where_the_call_was_asked_for_and_keeps_nothing():
    threads = Threads("test", 1)

    def fails() -> None:
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        await ask(threads, fails)
    assert await ask(threads, lambda: "next") == "next"


def test_a_loop_that_is_gone_takes_no_thread_with_it(gate):
    threads, has_begun = Threads("test", 1), threading.Event()

    def work() -> None:
        has_begun.set()
        gate.wait(10)

    async def asks_and_leaves() -> None:
        ask(threads, work)
        await asyncio.to_thread(has_begun.wait, 10)

    async def asks() -> object:
        return await ask(threads, lambda: "still here")

    asyncio.run(asks_and_leaves())
    gate.set()

    assert asyncio.run(asks()) == "still here"


def test_a_process_that_ends_waits_for_what_was_begun():
    code = """
import asyncio, threading, time
from pictor.kit.threads import Threads

async def main():
    begun = threading.Event()
    def work():
        begun.set()
        time.sleep(0.3)
        print("done", flush=True)
    Threads("test", 2).make(work, asyncio.get_running_loop().create_future())
    begun.wait()

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
