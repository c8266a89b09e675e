"""The waiting queue: the order of turns, and the number taken of each tenant."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.background import queued as module
from generation.background.queued import waiting
from generation.background.slots import Room
from generation.lifecycle.claims import Queued
from generation.models import Generation, Serves
from pictor.kit.words import clock
from tests.making.factories import PayingCustomer, make_channel, queued_as, take

pytestmark = [pytest.mark.django_db, pytest.mark.quick]

PLENTY = Room(0, live=100, tests=10)


@pytest.fixture
def sandbox(channel):
    """The channel that serves tests."""
    return make_channel("sandbox", serves=Serves.TEST)


def of(customer: PayingCustomer, number: int) -> list[Queued]:
    """This many waiting generations, oldest first."""
    return [queued_as(customer.generation()) for _ in range(number)]


def test_nothing_waits_where_all_is_running_final_overdue_or_worn_out(acme, worker):
    running, final, overdue, worn_out = (acme.generation() for _ in range(4))
    take(generation_id=running.id, worker=worker)
    rows = Generation.objects
    rows.filter(id=final.id).update(
        state="failed", finished_at=clock.now(), captured_micros=0, error={"status": 502}
    )
    rows.filter(id=overdue.id).update(deadline_at=clock.now() - timedelta(seconds=1))
    rows.filter(id=worn_out.id).update(dispatch=9)

    found, any_waits = waiting(PLENTY, {})

    assert found == []
    assert any_waits  # the last two stay until the reaper ends them


def test_tenants_take_turns_each_with_its_oldest_first(acme, other):
    first, second = of(acme, 3), of(other, 2)

    found, any_waits = waiting(PLENTY, {})

    assert any_waits
    assert found == [first[0], second[0], first[1], second[1], first[2]]


def test_the_tenant_with_fewest_in_hand_comes_first(acme, other):
    first, second = of(acme, 2), of(other, 2)

    found, _ = waiting(PLENTY, {acme.id: Room(1, live=50, tests=0)})

    assert found == [second[0], first[0], second[1], first[1]]


def test_live_work_comes_before_tests(acme, other, sandbox):
    tests, live = of(acme.tester(), 2), of(other, 2)

    found, _ = waiting(PLENTY, {other.id: Room(70, live=9, tests=0)})

    assert found == [*live, *tests]


def test_nobody_gets_more_than_there_is_room_for(acme, other, sandbox):
    first, tests, second = of(acme, 3), of(acme.tester(), 3), of(other, 3)

    found, _ = waiting(Room(0, live=2, tests=1), {acme.id: Room(4, live=1, tests=2)})

    assert found == [*second[:2], first[0], *tests[:2]]


def test_a_tenant_without_room_waits_and_is_not_found(acme):
    of(acme, 2)

    assert waiting(PLENTY, {acme.id: Room(90, live=0, tests=0)}) == ([], True)


def test_however_many_one_tenant_has_waiting_the_other_is_found(acme, other, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 4)
    first, second = of(acme, 6), of(other, 1)

    found, _ = waiting(PLENTY, {})

    assert found == [first[0], second[0], first[1]]


def test_a_look_copies_no_queue(acme):
    of(acme, 1)

    with CaptureQueriesContext(connection) as asked:
        waiting(PLENTY, {})
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor)

    assert "CTE tenant" in plan
    assert "CTE queued" not in plan
