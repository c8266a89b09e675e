"""A worker's slots: no tenant takes the last one, and tests take only a few."""

import math
import threading
from uuid import UUID

import pytest

from generation.background.slots import Room, Slots
from pictor.kit.words.ids import new_uuid

ONE, OTHER = new_uuid(), new_uuid()


def taken(slots: Slots, tenant_id: UUID = ONE, *, livemode: bool = True) -> int:
    """The number of slots that a tenant gets when it asks until refused."""
    count = 0
    while slots.take(tenant_id, livemode=livemode):
        count += 1
    return count


@pytest.mark.parametrize(
    ("total", "first", "second", "third"),
    [
        (2500, 2250, 225, 22),
        (100, 90, 9, 1),
        (10, 9, 1, 0),
        (3, 2, 1, 0),
        (2, 1, 1, 0),
        (1, 1, 0, 0),
    ],
)
def test_a_tenant_leaves_a_tenth_of_the_free_slots_to_others(total, first, second, third):
    slots = Slots(total)

    assert [taken(slots, new_uuid()) for _ in range(3)] == [first, second, third]


def test_the_last_slots_are_for_tenants_with_nothing_in_hand():
    slots = Slots(10)
    taken(slots)
    slots.take(OTHER, livemode=True)
    slots.give_back(ONE, livemode=True)

    assert not slots.take(ONE, livemode=True)
    assert not slots.take(OTHER, livemode=True)
    assert slots.take(new_uuid(), livemode=True)


@pytest.mark.parametrize(("total", "most"), [(2500, 125), (40, 2), (1, 1)])
def test_all_tests_together_take_a_twentieth(total, most):
    slots = Slots(total)

    tenants = [taken(slots, new_uuid(), livemode=False) for _ in range(200)]

    assert sum(tenants) == most
    assert max(tenants) == min(10, most)


def test_a_tenants_tests_count_among_what_it_has_in_hand():
    slots = Slots(400)
    assert taken(slots, livemode=False) == 10

    assert taken(slots) == 350
    slots.give_back(ONE, livemode=False)
    assert slots.take(ONE, livemode=True)


def test_tests_of_others_leave_live_work_its_share():
    slots = Slots(400)
    taken(slots, OTHER, livemode=False)

    assert taken(slots, ONE) == 351


def test_a_refused_slot_is_wanted():
    slots = Slots(2)
    assert not slots.is_wanted

    taken(slots)

    assert slots.is_wanted


def test_a_waiter_gets_the_next_free_slot():
    slots = Slots(1)
    slots.take(ONE, livemode=True)
    assert not slots.wait(0)
    assert slots.is_wanted
    freed = threading.Thread(target=slots.give_back, args=[ONE], kwargs={"livemode": True})

    freed.start()

    assert slots.wait(10)


def test_rooms_say_how_many_more_each_may_take():
    slots = Slots(100)
    for _ in range(80):
        slots.take(ONE, livemode=True)
    for _ in range(3):
        slots.take(OTHER, livemode=False)

    assert slots.rooms() == (
        Room(0, live=15, tests=2),
        {ONE: Room(80, live=7, tests=2), OTHER: Room(3, live=15, tests=2)},
    )
    assert slots.of_tenants() == {ONE: 80, OTHER: 3}


def test_no_more_are_taken_than_the_limit_says_also_where_many_are_in_hand():
    slots = Slots(100)
    for _ in range(6):
        slots.take(new_uuid(), livemode=True)
    slots.limit(4)
    beyond = (taken(slots), slots.wait(0), slots.rooms()[0].live)
    slots.limit(8)
    within = taken(slots)

    slots.limit(math.inf)

    assert (beyond, within) == ((0, False, 0), 2)
    assert slots.take(new_uuid(), livemode=True)


def test_a_waiter_gets_a_slot_once_the_limit_is_lifted():
    slots = Slots(100)
    slots.limit(0)
    found: list[bool] = []
    waiting = threading.Thread(target=lambda: found.append(slots.wait(10)))
    waiting.start()

    slots.limit(4)

    waiting.join(10)
    assert found == [True]
