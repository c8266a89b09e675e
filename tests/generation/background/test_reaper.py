"""The reaper after a crash: work is taken back, or failed in time."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F

from billing.selectors.office.balances import statement
from billing.selectors.office.ledger import ledger_findings
from billing.services import LedgerError
from generation.background import reaper
from generation.lifecycle import claims, lease, notify, settlement
from generation.lifecycle.lease import WorkerEpoch
from generation.models import Attempt, Channel, Generation, Worker
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer, begun, make_worker, take

pytestmark = pytest.mark.django_db


def reap() -> int:
    return reaper.reap(now=clock.now())


def claimed(customer: PayingCustomer, worker: WorkerEpoch) -> Generation:
    generation = customer.generation()
    assert take(generation_id=generation.id, worker=worker) is not None
    return generation


def begin(generation: Generation, worker: WorkerEpoch, channel: Channel) -> None:
    """Let the worker claim it and begin an attempt."""
    claim = take(generation_id=generation.id, worker=worker)
    assert claim is not None
    assert begun(claim, channel) is not None


def unseen(worker: WorkerEpoch, seconds: int = 16) -> None:
    Worker.objects.filter(epoch=worker).update(seen_at=F("seen_at") - timedelta(seconds=seconds))


def state(generation: Generation) -> tuple[str, UUID | None, int]:
    generation.refresh_from_db()
    return generation.state, generation.worker_id, generation.dispatch


def test_a_generation_of_a_dead_worker_is_queued_again(acme, worker):
    generation = claimed(acme, worker)
    unseen(worker)

    assert reap() == 1

    assert state(generation) == ("queued", None, 1)
    assert acme.money == (9_947_320, 52_680)
    assert reap() == 0


def test_a_generation_of_a_retired_worker_is_taken_back_at_once(acme, worker):
    generation = claimed(acme, worker)
    lease.retire(worker=worker)

    assert reap() == 1

    assert state(generation) == ("queued", None, 1)


def test_a_generation_without_a_worker_is_taken_back(acme, worker):
    generation = claimed(acme, worker)
    Worker.objects.all().delete()

    assert reap() == 1

    assert state(generation) == ("queued", None, 1)


def test_a_living_workers_generation_is_left_untouched(acme, worker):
    generation = claimed(acme, worker)
    unseen(worker, seconds=13)

    assert reap() == 0

    assert state(generation) == ("running", worker, 1)


def test_an_attempt_of_a_dead_worker_is_closed_and_logged(acme, worker, channel, caplog):
    caplog.set_level("INFO", logger="generation.attempts")
    generation = acme.generation()
    begin(generation, worker, channel)
    unseen(worker)

    reap()

    attempt = Attempt.objects.get()
    assert (attempt.attempt_class, attempt.may_have_billed) == ("unknown", True)
    (line,) = [record for record in caplog.records if record.name == "generation.attempts"]
    assert line.getMessage() == f"attempt on {channel.name}"
    assert line.facts["generation"] == generation.public_id
    assert (line.facts["class"], line.facts["status"]) == ("unknown", None)


def test_after_three_dispatches_it_fails_and_the_hold_is_released(acme):
    generation = acme.generation()
    dispatches = []
    for _ in range(3):
        worker = make_worker()
        first = take(generation_id=generation.id, worker=worker)
        claim = first or claims.claim_quarantined(worker=worker, in_hand={})
        dispatches.append(claim.dispatch if claim else None)
        unseen(worker)
        reap()

    assert dispatches == [1, 2, 3]
    generation.refresh_from_db()
    assert generation.state == "failed"
    assert (generation.error["status"], generation.error["code"]) == (502, "upstream_error")
    assert acme.money == (10_000_000, 0)
    assert ledger_findings() == []


def test_a_generation_handed_back_too_often_fails_in_the_queue(acme, worker):
    generation = acme.generation()
    reaped = []

    for _ in range(9):
        reaped.append(reap())
        take(generation_id=generation.id, worker=worker)
        claims.hand_back(worker=worker)
    reaped.append(reap())

    assert reaped == [0] * 9 + [1]
    assert state(generation)[0] == "failed"


@pytest.mark.parametrize("is_claimed", [True, False])
def test_an_overdue_generation_fails_with_a_timeout(acme, worker, is_claimed):
    generation = claimed(acme, worker) if is_claimed else acme.generation()
    Generation.objects.update(deadline_at=clock.now())

    assert reap() == 1

    generation.refresh_from_db()
    assert generation.state == "failed"
    assert generation.error is not None
    assert (generation.error["status"], generation.error["code"]) == (504, "generation_timeout")
    assert acme.money == (10_000_000, 0)
    assert [line.kind for line in statement(acme.id)] == ["top_up", "hold", "release"]
    assert reap() == 0
    assert ledger_findings() == []


@pytest.mark.parametrize("why", [LedgerError("of another amount"), OperationalError("locked")])
@pytest.mark.parametrize("batch", [1, 2, 500])
def test_generations_that_cannot_be_failed_hold_up_no_others(acme, monkeypatch, why, batch):
    *broken, whole = sorted((acme.generation() for _ in range(3)), key=lambda one: one.id)
    Generation.objects.update(deadline_at=clock.now())
    fail = settlement.end_without_image

    def fail_only_the_last(*, generation, **arguments):
        if generation in broken:
            raise why
        return fail(generation=generation, **arguments)

    monkeypatch.setattr(settlement, "end_without_image", fail_only_the_last)
    monkeypatch.setattr(reaper, "BATCH", batch)

    assert reap() == 1

    assert [state(one)[0] for one in (*broken, whole)] == ["queued", "queued", "failed"]


def test_a_round_fails_no_more_than_a_batch(acme, monkeypatch):
    for _ in range(3):
        acme.generation()
    Generation.objects.update(deadline_at=clock.now())
    monkeypatch.setattr(reaper, "BATCH", 2)

    assert (reap(), reap(), reap()) == (2, 1, 0)


def test_a_failed_generations_attempt_is_closed_though_the_database_goes_away(
    acme, worker, channel, monkeypatch
):
    first, second = sorted((acme.generation(), acme.generation()), key=lambda one: one.id)
    begin(first, worker, channel)
    Generation.objects.update(deadline_at=clock.now())
    fail = settlement.end_without_image

    def goes_away(*, generation, **arguments):
        if generation == second:
            raise OperationalError("the database went away")
        return fail(generation=generation, **arguments)

    monkeypatch.setattr(settlement, "end_without_image", goes_away)
    monkeypatch.setattr(connection, "is_usable", lambda: False)

    with pytest.raises(OperationalError):
        reap()

    assert state(first)[0] == "failed"
    assert Attempt.objects.get().attempt_class == "unknown"


def test_an_overdue_generation_of_a_dead_worker_is_not_queued_again(acme, worker):
    generation = claimed(acme, worker)
    unseen(worker)
    Generation.objects.update(deadline_at=clock.now())

    assert reap() == 1

    assert state(generation)[0] == "failed"


def test_the_caller_of_a_failed_generation_is_woken(acme):
    generation = acme.generation()
    Generation.objects.update(deadline_at=clock.now())
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as subscription:
        subscription.subscribe(notify.FINISHED)
        assert subscription.get_message(timeout=5) is not None

        reap()

        message = subscription.get_message(timeout=5)
    assert message is not None
    assert json.loads(message["data"]) == [str(generation.id)]


def test_a_final_generation_is_left_untouched(acme):
    acme.generation()
    Generation.objects.update(deadline_at=clock.now())
    reap()

    assert reap() == 0


# --- two at once ------------------------------------------------------------------------------


def reap_at_once(reapers: int = 4) -> int:
    barrier = Barrier(reapers)

    def one(_: int) -> int:
        try:
            barrier.wait(10)
            return reap()
        finally:
            connection.close()

    with ThreadPoolExecutor(reapers) as pool:
        return sum(pool.map(one, range(reapers)))


@pytest.mark.django_db(transaction=True)
def test_reapers_at_once_take_each_generation_back_once(acme, worker):
    for _ in range(30):
        claimed(acme, worker)
    unseen(worker)

    assert reap_at_once() == 30

    assert Generation.objects.filter(state="queued", worker=None, dispatch=1).count() == 30


@pytest.mark.django_db(transaction=True)
def test_reapers_at_once_fail_each_overdue_generation_once(acme):
    for _ in range(30):
        acme.generation()
    Generation.objects.update(deadline_at=clock.now())

    assert reap_at_once() == 30

    assert acme.money == (10_000_000, 0)
    assert len(statement(acme.id, limit=200)) == 61
    assert ledger_findings() == []


@pytest.mark.django_db(transaction=True)
def test_a_row_that_another_holds_is_passed_over(acme, worker):
    held, free = claimed(acme, worker), claimed(acme, worker)
    unseen(worker)

    with transaction.atomic():
        Generation.objects.select_for_update().get(id=held.id)
        moved = reap_at_once(1)

    assert moved == 1
    assert state(held) == ("running", worker, 1)
    assert state(free) == ("queued", None, 1)
    assert reap() == 1
