"""The image worker's loop and heartbeat: each ends the process when the other has hung."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from typing_extensions import override

from generation import claims, lease, pipeline
from generation.background import worker as module
from generation.background.worker import ImageWorker
from generation.lease import WorkerEpoch
from generation.models import Generation, Worker
from generation.notify import Ring
from pictor.kit import pools, vital
from pictor.kit.ids import new_uuid
from tests.processes import until


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Why the process would have ended."""
    reasons: list[str] = []
    monkeypatch.setattr(vital, "end_process", lambda why, error=None: reasons.append(why))
    return reasons


@pytest.fixture
def worker(
    pooled_connections: None, settings: Any, monkeypatch: pytest.MonkeyPatch, ends: list[str]
) -> Iterator[ImageWorker]:
    """A running one whose parts listen closely, and which stops at the end.

    They listen so closely that a busy machine is a hang to them, which must not end the tests.
    """
    settings.HEARTBEAT_SECONDS = 0.02
    settings.DRAIN_SECONDS = 0
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(module, "LISTEN_SECONDS", 0.02)
    running = ImageWorker()
    running.start()
    yield running
    if not running._is_retired.is_set():  # noqa: SLF001 - nobody else asks
        running.drain()
    for thread in running.threads:
        thread.join(10)


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
    worker.accept(Ring(new_uuid()))

    assert has_come(ends, "its loop has hung")
    goes_on.set()


def test_what_is_in_hand_may_change_while_the_heartbeat_looks(worker):
    """A set of ids is made by Python code: the loop may have its turn in the middle of it."""
    in_hand = worker._in_hand  # noqa: SLF001 - what the loop changes

    class Ended(UUID):
        @override
        def __hash__(self) -> int:
            in_hand.clear()
            return super().__hash__()

    ids = [Ended(int=number) for number in range(3)]
    in_hand.update(enumerate(ids))

    assert worker._ids_in_hand() == set(ids)  # noqa: SLF001 - what the heartbeat asks


def test_a_worker_whose_heartbeat_hangs_ends(worker, ends, monkeypatch):
    goes_on = threading.Event()
    monkeypatch.setattr(lease, "renew", lambda worker: goes_on.wait())

    assert has_come(ends, "its heartbeat has hung")
    goes_on.set()


def test_a_worker_whose_lease_is_gone_ends(worker, ends):
    """As after the database was restored to a moment before the worker began."""
    Worker.objects.all().delete()

    assert has_come(ends, "its lease is gone")


def test_a_worker_whose_parts_are_well_goes_on(worker, ends, monkeypatch):
    renewals = threading.Semaphore(0)
    renew = lease.renew

    def counted(*, worker: WorkerEpoch) -> bool:
        renewals.release()
        return renew(worker=worker)

    monkeypatch.setattr(lease, "renew", counted)

    for _ in range(40):
        assert renewals.acquire(timeout=10)
    assert ends == []


def test_a_message_that_waits_for_a_slot_does_not_hold_the_stop_up(
    worker, ends, monkeypatch, settings
):
    goes_on = threading.Event()

    async def waits(**_):
        await asyncio.to_thread(goes_on.wait)

    monkeypatch.setattr(pipeline, "run", waits)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(worker, "_slots", threading.BoundedSemaphore(1))
    worker.accept(Ring(new_uuid()))
    waiting = threading.Thread(target=worker.accept, args=[Ring(new_uuid())])
    waiting.start()

    worker.stop_claiming()

    waiting.join(10)
    assert not waiting.is_alive()
    goes_on.set()


def test_what_stands_as_the_workers_and_is_in_nobodys_hands_is_queued_again(
    worker, acme, monkeypatch
):
    """As when the database crashed between a claim's commit and its answer."""
    in_hand, let_go = acme.generation(), acme.generation()
    goes_on = threading.Event()

    async def takes_and_waits(*, ring, worker, **_):
        await pools.database(claims.take, generation_id=ring.generation_id, worker=worker)
        await asyncio.to_thread(goes_on.wait)

    monkeypatch.setattr(pipeline, "run", takes_and_waits)
    worker.accept(Ring(in_hand.id))
    until(lambda: state_of(in_hand) == "running")

    claims.take(generation_id=let_go.id, worker=WorkerEpoch(Worker.objects.get().epoch))

    until(lambda: state_of(let_go) == "queued")
    assert state_of(in_hand) == "running"
    goes_on.set()


def test_what_waits_to_be_claimed_is_not_begun_again(worker, acme, monkeypatch):
    in_hand, unheard = acme.generation(), acme.generation()
    begun: list[UUID] = []
    looks: list[list[UUID]] = []
    goes_on = threading.Event()
    waiting = claims.waiting

    async def waits(*, ring, **_):
        begun.append(ring.generation_id)
        await asyncio.to_thread(goes_on.wait)

    def looked(**said: Any) -> list[UUID]:
        looks.append(waiting(**said))
        return looks[-1]

    monkeypatch.setattr(pipeline, "run", waits)
    worker.accept(Ring(in_hand.id))
    until(lambda: begun == [in_hand.id])
    monkeypatch.setattr(claims, "waiting", looked)
    monkeypatch.setattr(module, "UNHEARD_SECONDS", 0)

    until(lambda: looks.count([in_hand.id, unheard.id]) > 5)
    goes_on.set()

    assert begun == [in_hand.id, unheard.id]


def state_of(generation: Generation) -> str:
    generation.refresh_from_db()
    return str(generation.state)


def test_a_worker_whose_database_was_restarted_hands_back_what_it_has(worker):
    """Its main thread has not used its connection since the start."""
    mine = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])

    worker.drain()

    assert Worker.objects.get(epoch=worker._epoch).stopped_at is not None  # noqa: SLF001 - as above
