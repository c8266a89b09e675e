"""Work that died with its worker is claimed one by one, so that the cause runs by itself."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

import pytest
from django.db.models import F

from generation.background import reaper
from generation.background.queued import waiting
from generation.background.slots import Room
from generation.lifecycle import claims
from generation.lifecycle.lease import WorkerEpoch
from generation.models import Generation, Worker
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer, make_worker, take

pytestmark = [pytest.mark.django_db, pytest.mark.quick]


def die(worker: WorkerEpoch) -> None:
    """Stop the worker's signs of life and let the reaper notice."""
    Worker.objects.filter(epoch=worker).update(seen_at=F("seen_at") - timedelta(seconds=16))
    reaper.reap(now=clock.now())


def claimed(customer: PayingCustomer, worker: WorkerEpoch, number: int) -> list[Generation]:
    rows = [customer.generation() for _ in range(number)]
    for row in rows:
        assert take(generation_id=row.id, worker=worker) is not None
    return rows


def group(
    worker: WorkerEpoch, in_hand: Mapping[UUID, int] = MappingProxyType({})
) -> list[Generation]:
    """The next quarantined generation, or none."""
    claim = claims.claim_quarantined(worker=worker, in_hand=in_hand)
    return [] if claim is None else [claim.generation]


def test_work_of_a_dead_worker_is_claimed_one_by_one_oldest_first(acme, worker):
    rows = claimed(acme, worker, 3)
    die(worker)

    next_worker = make_worker()
    groups = [group(next_worker) for _ in range(4)]

    assert groups == [[rows[0]], [rows[1]], [rows[2]], []]
    assert set(Generation.objects.values_list("dispatch", "state")) == {(2, "running")}


def test_work_that_died_again_is_claimed_last_as_the_only_suspect(acme, worker):
    rows = claimed(acme, worker, 3)
    die(worker)
    second, third = make_worker(), make_worker()
    (first_again,) = group(second)
    new = claimed(acme, second, 1)
    assert first_again.quarantine == 3
    die(second)

    found = [group(third)[0] for _ in range(4)]

    assert found == [rows[1], rows[2], new[0], rows[0]]
    assert {row.id: row.quarantine for row in found} == {
        rows[0].id: 1,
        rows[1].id: 3,
        rows[2].id: 3,
        new[0].id: 2,
    }


def test_the_tenant_with_fewest_in_hand_comes_first_after_equal_deaths(acme, other, worker):
    many, one = claimed(acme, worker, 2), claimed(other, worker, 1)
    die(worker)

    next_worker = make_worker()
    first = group(next_worker, {acme.id: 7, other.id: 6})
    rest = [group(next_worker, {acme.id: 7, other.id: 7})[0] for _ in range(2)]

    assert [*first, *rest] == [*one, *many]


def test_all_know_how_many_died_together_however_many_rounds_take_them_back(
    acme, worker, monkeypatch
):
    monkeypatch.setattr(reaper, "BATCH", 2)
    claimed(acme, worker, 5)
    die(worker)
    next_worker = make_worker()
    begun = group(next_worker)

    for _ in range(2):
        reaper.reap(now=clock.now())

    numbers = [row.quarantine for row in begun + [group(next_worker)[0] for _ in range(4)]]
    assert numbers == [5, 5, 5, 5, 5]


def test_only_suspected_work_counts_in_each_further_round(acme, worker, monkeypatch):
    new = [acme.generation() for _ in range(2)]
    suspected = claimed(acme, worker, 3)
    die(worker)
    second = make_worker()
    for row in new:
        assert take(generation_id=row.id, worker=second) is not None
    for _ in suspected:
        group(second)
    monkeypatch.setattr(reaper, "BATCH", 2)
    die(second)

    for _ in range(2):
        reaper.reap(now=clock.now())

    found = dict(Generation.objects.values_list("id", "quarantine"))
    assert [found[row.id] for row in [*new, *suspected]] == [5, 5, 3, 3, 3]


def test_quarantined_work_is_claimed_in_no_other_way(acme, worker):
    (row,) = claimed(acme, worker, 1)
    die(worker)

    assert take(generation_id=row.id, worker=make_worker()) is None
    assert waiting(Room(0, live=10, tests=10), {}) == ([], False)


def test_others_are_claimed_beside_a_quarantine(acme, worker):
    claimed(acme, worker, 1)
    die(worker)
    other = acme.generation()

    assert take(generation_id=other.id, worker=make_worker()) is not None


def test_work_taken_from_a_living_worker_leaves_quarantine(acme, worker):
    (row,) = claimed(acme, worker, 1)
    die(worker)

    claims.acquit(worker=worker)

    assert group(make_worker()) == []
    assert take(generation_id=row.id, worker=make_worker()) is not None


def test_work_handed_back_at_a_workers_end_is_not_quarantined(acme, worker):
    (row,) = claimed(acme, worker, 1)

    claims.hand_back(worker=worker)

    assert take(generation_id=row.id, worker=make_worker()) is not None


def test_only_deaths_wear_a_generation_out(acme, worker):
    (row,) = claimed(acme, worker, 1)
    for _ in range(5):
        claims.hand_back(worker=worker)
        assert take(generation_id=row.id, worker=worker) is not None

    states = []
    for _ in range(3):
        die(worker)
        row.refresh_from_db()
        states.append(row.state)
        worker = make_worker()
        group(worker)

    assert states == ["queued", "queued", "failed"]


def test_work_taken_from_a_living_worker_counts_no_death(acme, worker):
    (row,) = claimed(acme, worker, 1)
    die(worker)

    claims.acquit(worker=worker)

    row.refresh_from_db()
    assert row.deaths == 0


def test_a_worker_whose_lease_ran_out_claims_none_of_a_quarantine(acme, worker):
    claimed(acme, worker, 1)
    die(worker)

    assert group(worker) == []
