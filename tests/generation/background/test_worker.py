"""The image worker's loop and heartbeat: each ends the process when the other has hung."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from typing_extensions import override

from generation import pipeline
from generation.background import worker as module
from generation.background.queued import waiting
from generation.background.worker import ImageWorker
from generation.catalogue.traffic import open_breakers
from generation.catalogue.traffic.open_breakers import BreakerKey, BreakerPause
from generation.dispatch.storage_gate import Gate
from generation.lifecycle import lease
from generation.lifecycle.claims import Queued
from generation.lifecycle.lease import WorkerEpoch
from generation.lifecycle.notify import Ring
from generation.lifecycle.settlement import fail_unforeseen
from generation.models import ChannelEvent, Generation, Worker
from pictor.kit.database import pools
from pictor.kit.running import vital
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from storage.services import StorageFailed
from tests.making.factories import make_channel, queued_as, take
from tests.stack.stack_processes import until


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reasons for which the process would have ended."""
    reasons: list[str] = []
    monkeypatch.setattr(vital, "end_process", lambda why, error=None: reasons.append(why))
    return reasons


@pytest.fixture
def slots() -> int:
    """The worker's slots, unless a test is parametrized with another number."""
    return 10


@pytest.fixture
def beat_seconds() -> float:
    """The time between two heartbeats, unless a test is parametrized with another one."""
    return 0.02


WITHOUT_HEARTBEATS = pytest.mark.parametrize("beat_seconds", [60])
"""Each heartbeat begins what is queued; these tests are about the other ways to begin it."""


@pytest.fixture
def worker(
    pooled_connections: None,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    ends: list[str],
    *,
    slots: int,
    beat_seconds: float,
) -> Iterator[ImageWorker]:
    """A running worker with short timeouts, stopped at the end.

    The timeouts are so short that a busy machine counts as a hang, which must not end the tests.
    """
    settings.WORKER_SLOTS = slots
    settings.HEARTBEAT_SECONDS = beat_seconds
    settings.DRAIN_SECONDS = 0
    monkeypatch.setattr(module, "SILENT_SECONDS", 15 * beat_seconds)
    monkeypatch.setattr(module, "LISTEN_SECONDS", 0.02)
    running = ImageWorker()
    running.start()
    until(lambda: running._gate.is_open)  # noqa: SLF001 - the tests begin when its probe has passed
    yield running
    if not running._is_retired.is_set():  # noqa: SLF001 - nobody else asks
        running.drain()
    for thread in running.threads:
        thread.join(10)


def some_ring() -> Ring:
    return Ring(Queued(new_uuid(), new_uuid(), livemode=True))


def has_come(ends: list[str], why: str) -> bool:
    gives_up_at = time.monotonic() + 10
    while why not in ends and time.monotonic() < gives_up_at:
        threading.Event().wait(0.01)
    return why in ends


def test_a_worker_whose_loop_hangs_ends(worker, ends, monkeypatch):
    goes_on = threading.Event()

    async def blocks(**_):
        goes_on.wait()

    monkeypatch.setattr(pipeline, "run", blocks)
    worker.accept(some_ring())

    assert has_come(ends, "its loop has hung")
    goes_on.set()


def test_work_in_hand_may_change_while_the_heartbeat_looks(worker):
    """Building a set of ids runs Python code, so the loop may get its turn in the middle."""
    in_hand = worker._in_hand  # noqa: SLF001 - what the loop changes

    class Ended(UUID):
        @override
        def __hash__(self) -> int:
            if len(in_hand) == len(ids):
                in_hand.clear()
            return super().__hash__()

    ids = [Ended(int=number) for number in range(3)]
    for generation_id in ids:
        in_hand[generation_id] = generation_id

    assert worker._ids_in_hand() == set(ids)  # noqa: SLF001 - what the heartbeat asks


def test_a_worker_whose_heartbeat_hangs_ends(worker, ends, monkeypatch):
    goes_on = threading.Event()
    monkeypatch.setattr(lease, "renew", lambda **_: goes_on.wait())

    assert has_come(ends, "its heartbeat has hung")
    goes_on.set()


def test_a_worker_whose_lease_is_gone_ends(worker, ends):
    """Happens when the database is restored to a time before the worker began."""
    Worker.objects.all().delete()

    assert has_come(ends, "its lease is gone")


@pytest.mark.parametrize("beat_seconds", [0.2])
def test_a_worker_whose_parts_are_well_goes_on(worker, ends, monkeypatch):
    renewals = threading.Semaphore(0)
    renew = lease.renew

    def counted(*, worker: WorkerEpoch, trouble: str, in_hand: int) -> list[BreakerPause] | None:
        renewals.release()
        return renew(worker=worker, trouble=trouble, in_hand=in_hand)

    monkeypatch.setattr(lease, "renew", counted)

    assert [renewals.acquire(timeout=10) for _ in range(16)] == [True] * 16
    assert ends == []


@pytest.mark.parametrize("slots", [1])
def test_a_message_that_waits_for_a_slot_does_not_hold_the_stop_up(worker, monkeypatch):
    goes_on = threading.Event()

    async def waits(**_):
        await asyncio.to_thread(goes_on.wait)

    monkeypatch.setattr(pipeline, "run", waits)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    worker.accept(some_ring())
    waiting = threading.Thread(target=worker.accept, args=[some_ring()])
    waiting.start()

    worker.stop_claiming()

    waiting.join(10)
    assert not waiting.is_alive()
    goes_on.set()


def test_a_claim_whose_answer_was_lost_is_queued_again(worker, acme, monkeypatch):
    """Happens when the database crashes between a claim's commit and its answer."""
    goes_on = threading.Event()

    async def takes_and_waits(*, ring, worker, **_):
        of = {"generation_id": ring.queued.generation_id, "worker": worker}
        claim = await pools.database(take, **of)
        assert claim is not None
        is_let_go = claim.generation.n == 2 and claim.dispatch == 1
        if not is_let_go:
            await asyncio.to_thread(goes_on.wait)

    monkeypatch.setattr(pipeline, "run", takes_and_waits)
    in_hand, let_go = acme.generation(), acme.generation(n=2)

    until(lambda: dispatches_of(let_go) == 2)
    assert dispatches_of(in_hand) == 1
    goes_on.set()


def test_work_waiting_for_its_claim_is_not_begun_again(worker, acme, monkeypatch):
    begun: list[UUID] = []
    looks: list[list[UUID]] = []
    goes_on = threading.Event()

    async def waits(*, ring, **_):
        begun.append(ring.queued.generation_id)
        await asyncio.to_thread(goes_on.wait)

    def looked(*rooms: Any) -> tuple[list[Queued], bool]:
        found, any_waits = waiting(*rooms)
        looks.append([queued.generation_id for queued in found])
        return found, any_waits

    monkeypatch.setattr(pipeline, "run", waits)
    monkeypatch.setattr(module, "waiting", looked)
    in_hand, unheard = acme.generation(), acme.generation()
    worker.accept(Ring(queued_as(in_hand)))

    until(lambda: looks.count([in_hand.id, unheard.id]) > 5)
    goes_on.set()

    assert sorted(begun) == [in_hand.id, unheard.id]


class Held:
    """Generations that a worker takes and holds until they are ended."""

    def __init__(self) -> None:
        self.begun: list[UUID] = []
        self._ends: dict[UUID, Callable[[], object]] = {}

    async def run(self, *, ring: Ring, worker: WorkerEpoch, **_: Any) -> None:
        generation_id = ring.queued.generation_id
        claim = await pools.database(take, generation_id=generation_id, worker=worker)
        if claim is not None:
            end = asyncio.Event()
            loop = asyncio.get_running_loop()
            self._ends[generation_id] = partial(loop.call_soon_threadsafe, end.set)
            self.begun.append(generation_id)
            await end.wait()
            await pools.database(fail_unforeseen, claim=claim, now=clock.now())

    def end(self, generation_id: UUID) -> None:
        self._ends.pop(generation_id)()

    def end_all(self) -> None:
        for generation_id in list(self._ends):
            self.end(generation_id)

    def are(self, *generation_ids: UUID) -> bool:
        return sorted(self.begun) == sorted(generation_ids)


@pytest.fixture
def held(worker: ImageWorker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Generations held by the worker."""
    held = Held()
    monkeypatch.setattr(pipeline, "run", held.run)
    yield held
    held.end_all()


def test_a_request_behind_a_greedy_tenant_begins_at_once(worker, held, acme, other):
    greedy = [acme.generation().id for _ in range(12)]
    until(lambda: held.are(*greedy[:9]))

    late = other.generation().id

    until(lambda: held.are(*greedy[:9], late))


@WITHOUT_HEARTBEATS
def test_refused_work_begins_when_the_tenants_other_work_ends(worker, held, acme):
    greedy = [acme.generation().id for _ in range(11)]
    worker.look_soon()
    until(lambda: held.are(*greedy[:9]))

    for number in (9, 10):
        held.end(greedy[number - 9])
        until(lambda: held.are(*greedy[: number + 1]))  # noqa: B023 - asked at once


@WITHOUT_HEARTBEATS
def test_a_bell_of_a_tenant_at_its_share_is_skipped(worker, held, acme, other):
    greedy = [acme.generation().id for _ in range(9)]
    worker.look_soon()
    until(lambda: held.are(*greedy))
    refused, late = acme.generation(), other.generation()

    worker.accept(Ring.of(refused))
    worker.accept(Ring.of(late))

    until(lambda: held.are(*greedy, late.id))


@WITHOUT_HEARTBEATS
def test_a_bell_that_does_not_say_what_has_the_queue_looked_at(worker, held, acme):
    waits = acme.generation()

    worker.look_soon()

    until(lambda: held.are(waits.id))


def test_a_worker_without_storage_begins_nothing_and_stays(worker, held, acme, ends, monkeypatch):
    troubles: list[str] = []
    renew = lease.renew

    async def fails() -> None:
        raise StorageFailed("PutObject: 507")

    def noted(*, worker: WorkerEpoch, trouble: str, in_hand: int) -> list[BreakerPause] | None:
        troubles.append(trouble)
        return renew(worker=worker, trouble=trouble, in_hand=in_hand)

    monkeypatch.setattr(module, "prove", fails)
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.02)
    monkeypatch.setattr(module, "IDLE_LIMIT_SECONDS", 0.1)
    monkeypatch.setattr(lease, "renew", noted)
    on_loop(worker, partial(gate_of(worker).close, "an image hung"))
    until(lambda: "PutObject: 507" in troubles)
    made = [acme.generation().id for _ in range(6)]
    troubles.clear()
    until(lambda: len(troubles) > 20)
    begun_meanwhile = list(held.begun)

    async def passes() -> None:
        return

    monkeypatch.setattr(module, "prove", passes)

    until(lambda: held.are(*made[:4]))
    on_loop(worker, gate_of(worker).stored)
    until(lambda: held.are(*made))
    assert (begun_meanwhile, set(troubles[:20])) == ([], {"PutObject: 507"})
    assert "generations wait and its loop begins none" not in ends


def gate_of(worker: ImageWorker) -> Gate:
    return worker._gate  # noqa: SLF001 - what images tell how storing goes


def on_loop(worker: ImageWorker, call: Callable[[], None]) -> None:
    worker._loop.call_soon_threadsafe(call)  # noqa: SLF001 - as above


def dispatches_of(generation: Generation) -> int:
    generation.refresh_from_db()
    return generation.dispatch


def test_a_worker_whose_database_was_restarted_hands_back_what_it_has(worker):
    """Its main thread has not used its connection since the start."""
    mine = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])

    worker.drain()

    assert Worker.objects.get(epoch=worker._epoch).stopped_at is not None  # noqa: SLF001 - as above


def test_breaker_changes_are_recorded_with_the_workers_epoch(worker, ends, seeded):
    channel = make_channel()
    dispatcher = worker._the_dispatcher()  # noqa: SLF001 - made at its start
    worker._loop.call_soon_threadsafe(  # noqa: SLF001 - where health is used
        partial(dispatcher.changes.breaker, channel.id, "dall-e-3", pause=10.0)
    )

    until(ChannelEvent.objects.exists)

    event = ChannelEvent.objects.get()
    assert (event.kind, event.worker) == ("breaker_opened", worker._epoch)  # noqa: SLF001 - its lease
    assert ends == []


@pytest.mark.parametrize("beat_seconds", [0.2])
def test_a_worker_hears_of_open_breakers_as_it_renews_its_lease(worker, ends, seeded):
    channel = make_channel()

    open_breakers.write({BreakerKey(channel.id, 0, "dall-e-3"): 10.0})

    until(ChannelEvent.objects.exists)
    event = ChannelEvent.objects.get()
    assert (event.kind, event.model, event.seconds, event.worker) == (
        *("breaker_opened", "dall-e-3", 10.0),
        worker._epoch,  # noqa: SLF001 - its lease
    )
    assert ends == []
