"""Turns between lanes, on a loop and in threads: bounds, and waiters that go away."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from pictor.kit.database import pools
from pictor.kit.database.pools import FairPool
from pictor.kit.running.turns import FairTurns
from pictor.kit.watching import log
from pictor.kit.words.errors import Unavailable

pytestmark = pytest.mark.anyio


def pool(
    threads: int = 1,
    *,
    per_lane: int = 1,
    max_queued: int = 100,
    max_wait_seconds: float = 60.0,
) -> FairPool:
    return FairPool(
        "test",
        threads=threads,
        per_lane=per_lane,
        max_queued=max_queued,
        max_wait_seconds=max_wait_seconds,
    )


def start(a_pool: FairPool, lane: str, call: Callable[[], object]) -> "asyncio.Task[object]":
    return asyncio.create_task(a_pool.run(lane, call))


async def turns(times: int = 5) -> None:
    """Let everything run that is ready on the loop."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_a_call_gets_its_answer():
    assert await pool().run("a", lambda: 41 + 1) == 42


async def test_an_exception_passes_through_and_frees_the_thread():
    a_pool = pool()

    def fails() -> None:
        raise LookupError("nothing here")

    with pytest.raises(LookupError, match="nothing here"):
        await a_pool.run("a", fails)

    assert await a_pool.run("a", lambda: "next") == "next"


async def test_lanes_start_their_work_in_turns(gate):
    a_pool = pool()
    order: list[str] = []
    blocker = start(a_pool, "x", gate.wait)
    await turns()
    waiting = [
        start(a_pool, name[0], partial(order.append, name))
        for name in ("a1", "a2", "a3", "a4", "b1", "c1", "b2")
    ]
    await turns()

    gate.set()
    await asyncio.gather(blocker, *waiting)

    assert order == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


async def test_a_free_thread_goes_to_the_lane_with_fewest(gate):
    a_pool = pool(3, per_lane=3)
    other = threading.Event()
    order: list[str] = []
    blockers = [start(a_pool, "a", gate.wait) for _ in range(2)]
    last = start(a_pool, "b", other.wait)
    await turns()
    waiting = [start(a_pool, lane, partial(order.append, lane)) for lane in ("a", "b")]
    await turns()

    other.set()
    await asyncio.gather(last, *waiting)
    gate.set()
    await asyncio.gather(*blockers)

    assert order == ["b", "a"]


async def test_one_lane_never_has_more_than_its_share_of_the_threads(gate):
    a_pool = pool(3, per_lane=2)
    running: list[str] = []
    begun = threading.Semaphore(0)

    def work(lane: str) -> None:
        running.append(lane)
        begun.release()
        gate.wait()

    a_calls = [start(a_pool, "a", lambda: work("a")) for _ in range(4)]
    await turns()
    other = await a_pool.run("b", lambda: "b was served")
    for _ in range(2):
        await asyncio.to_thread(begun.acquire)

    assert other == "b was served"
    assert running == ["a", "a"]
    gate.set()
    await asyncio.gather(*a_calls)
    assert running == ["a", "a", "a", "a"]


async def test_a_full_queue_refuses_at_once(gate):
    a_pool = pool(max_queued=2)
    calls = [start(a_pool, "a", gate.wait) for _ in range(3)]
    await turns()

    with pytest.raises(Unavailable, match="Too many requests") as refused:
        await a_pool.run("b", lambda: None)

    assert (refused.value.status, refused.value.retry_after) == (503, 1)
    gate.set()
    await asyncio.gather(*calls)
    assert await a_pool.run("b", lambda: "room again") == "room again"


async def test_a_call_that_waited_too_long_is_refused_undone(gate):
    a_pool = pool(max_wait_seconds=0.05)
    done: list[str] = []
    blocker = start(a_pool, "a", gate.wait)
    await turns()
    late = start(a_pool, "b", lambda: done.append("b"))
    await asyncio.sleep(0.1)

    gate.set()
    with pytest.raises(Unavailable, match="Admission took too long") as refused:
        await late

    assert refused.value.retry_after == 1
    assert done == []
    await blocker
    assert await a_pool.run("b", lambda: "in time") == "in time"


async def test_a_waiter_that_goes_away_is_never_run(gate):
    a_pool = pool()
    done: list[str] = []
    blocker = start(a_pool, "a", gate.wait)
    await turns()
    gone = start(a_pool, "b", lambda: done.append("gone"))
    stays = start(a_pool, "b", lambda: done.append("stays"))
    await turns()

    gone.cancel()
    await turns()
    gate.set()
    await asyncio.gather(blocker, stays)

    assert done == ["stays"]


async def test_a_waiter_that_went_away_and_would_be_too_late_stops_nobody(gate):
    a_pool = pool(max_wait_seconds=1)
    blocker = start(a_pool, "a", gate.wait)
    await turns()
    gone = start(a_pool, "b", lambda: None)
    await turns()
    gone.cancel()
    await asyncio.sleep(1.1)
    fresh = start(a_pool, "c", lambda: "served")
    await turns()

    gate.set()

    assert await asyncio.wait_for(fresh, 2) == "served"
    await blocker


async def test_a_caller_that_goes_away_while_its_call_runs_frees_the_thread_at_its_end(gate):
    a_pool = pool()
    started = threading.Event()

    def work() -> None:
        started.set()
        gate.wait()

    gone = start(a_pool, "a", work)
    await asyncio.to_thread(started.wait)
    gone.cancel()
    await turns()
    gate.set()

    assert await asyncio.wait_for(a_pool.run("a", lambda: "free"), 2) == "free"


async def test_a_waiter_cancelled_as_its_turn_comes_gives_it_back():
    some = FairTurns("test", count=1, per_lane=1, max_queued=1, max_wait_seconds=60)
    ends = asyncio.Event()
    done: list[str] = []

    async def work(name: str) -> None:
        await ends.wait()
        done.append(name)

    first = asyncio.create_task(some.run("a", partial(work, "first")))
    await turns()
    gone = asyncio.create_task(some.run("b", partial(work, "gone")))
    await turns()
    (going,) = some._going  # noqa: SLF001 - gone's turn comes with its end, and is taken after that
    going.add_done_callback(lambda _: gone.cancel())

    ends.set()
    await first
    await asyncio.wait_for(some.run("c", partial(work, "next")), 2)

    assert done == ["first", "next"]


async def test_the_end_waits_for_what_has_begun_though_its_caller_has_left():
    ends, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await ends.wait()
        done.set()

    some = FairTurns("test", count=1, per_lane=1, max_queued=1, max_wait_seconds=60)
    caller = asyncio.create_task(some.run("a", work))
    await turns()
    caller.cancel()
    await turns()
    await some.finish(within_seconds=0.01)
    was_done_at_first = done.is_set()

    ends.set()
    await some.finish(within_seconds=10)

    assert (was_done_at_first, done.is_set()) == (False, True)


async def test_calls_know_whose_request_they_are_for():
    one = pool()

    async def of(name: str) -> object:
        log.request_id.set(name)
        return await one.run("acme", log.request_id.get), await pools.views(log.request_id.get)

    found = await asyncio.gather(*(asyncio.create_task(of(name)) for name in ("req_1", "req_2")))

    assert found == [("req_1", "req_1"), ("req_2", "req_2")]
