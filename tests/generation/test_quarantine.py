"""What died with its worker: claimed in small groups, until whatever is guilty is alone."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F

from generation import claims
from generation.background import reaper
from generation.lease import WorkerEpoch
from generation.models import Generation, Worker
from pictor.kit import clock
from tests.factories import Customer, make_worker

pytestmark = pytest.mark.django_db


def die(worker: WorkerEpoch) -> None:
    """The worker is not seen any more, and the reaper notices."""
    Worker.objects.filter(epoch=worker).update(seen_at=F("seen_at") - timedelta(seconds=16))
    reaper.reap(now=clock.now())


def claimed(customer: Customer, worker: WorkerEpoch, number: int) -> list[Generation]:
    rows = [customer.generation() for _ in range(number)]
    for row in rows:
        assert claims.take(generation_id=row.id, worker=worker) is not None
    return rows


def group(worker: WorkerEpoch) -> list[Generation]:
    return [claim.generation for claim in claims.take_quarantined(worker=worker)]


def test_a_few_that_died_with_their_worker_are_claimed_one_by_one_oldest_first(acme, worker):
    rows = claimed(acme, worker, 3)
    die(worker)

    next_worker = make_worker()
    groups = [group(next_worker) for _ in range(4)]

    assert groups == [[rows[0]], [rows[1]], [rows[2]], []]
    assert set(Generation.objects.values_list("dispatch", "state")) == {(2, "running")}


def test_many_are_claimed_in_groups_and_what_dies_again_alone(acme, worker, monkeypatch):
    monkeypatch.setattr(settings, "QUARANTINE_GROUPS", 2)
    rows = claimed(acme, worker, 5)
    die(worker)
    second, third = make_worker(), make_worker()

    assert group(second) == rows[:3]
    die(second)

    assert [group(third) for _ in range(4)] == [rows[3:], [rows[0]], [rows[1]], [rows[2]]]


def test_what_is_in_quarantine_is_not_to_be_had_otherwise(acme, worker):
    (row,) = claimed(acme, worker, 1)
    die(worker)
    Generation.objects.update(rung_at=clock.now() - timedelta(seconds=60))

    assert claims.take(generation_id=row.id, worker=make_worker()) is None
    assert claims.waiting(longer_than_seconds=5, limit=10) == []


def test_others_are_claimed_beside_a_quarantine(acme, worker):
    claimed(acme, worker, 1)
    die(worker)
    other = acme.generation()

    assert claims.take(generation_id=other.id, worker=make_worker()) is not None


def test_what_was_taken_back_from_a_worker_that_lives_is_free_again(acme, worker):
    (row,) = claimed(acme, worker, 1)
    die(worker)

    claims.acquit(worker=worker)

    assert group(make_worker()) == []
    assert claims.take(generation_id=row.id, worker=make_worker()) is not None


def test_what_a_worker_hands_back_at_its_end_waits_in_no_quarantine(acme, worker):
    (row,) = claimed(acme, worker, 1)

    claims.hand_back(worker=worker)

    assert claims.take(generation_id=row.id, worker=make_worker()) is not None


def test_a_worker_whose_lease_ran_out_claims_none_of_a_quarantine(acme, worker):
    claimed(acme, worker, 1)
    die(worker)

    assert group(worker) == []
