"""The storage gate: when it lets generations through, and how many."""

import math
import time
from typing import Any

import pytest

from generation.dispatch import storage_gate as module
from generation.dispatch.storage_gate import Gate


class Limits(list[float]):
    """The numbers of generations that the gate allowed in hand, in order."""


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
def gate(limits: Limits) -> Gate:
    return Gate(limits.append)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A monotonic clock that tests set."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


def closed(gate: Gate) -> Gate:
    gate.proved()
    gate.close("PutObject: 507")
    return gate


def test_nothing_is_let_through_before_the_probe_has_passed_and_then_all(gate, limits):
    before = (gate.is_open, gate.trouble)
    gate.not_proved("PutObject: NoSuchBucket")
    failed = (gate.is_open, gate.trouble)

    gate.proved()

    assert before == (False, "nothing has been stored yet")
    assert failed == (False, "PutObject: NoSuchBucket")
    assert (gate.is_open, gate.trouble, limits) == (True, "", [math.inf])


def test_two_first_tries_that_failed_in_a_row_close_it(gate, limits):
    gate.proved()
    gate.first_failed("one")
    gate.stored()
    gate.first_failed("two")
    after_two_apart = gate.is_open

    gate.first_failed("three")

    assert (after_two_apart, gate.is_open, gate.trouble) == (True, False, "three")
    assert limits == [math.inf, 0]


def test_a_waiting_image_that_is_stored_lets_four_through_and_each_more_twice_as_many(gate, limits):
    with closed(gate).storing():
        for _ in range(11):
            gate.stored()

    assert limits == [math.inf, 0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, math.inf]


def test_the_probe_opens_it_where_no_image_waits(gate, limits):
    closed(gate).proved()

    assert limits == [math.inf, 0, 4]


def test_the_probe_decides_only_after_ten_seconds_while_an_image_waits(gate, limits, clock):
    with closed(gate).storing():
        gate.proved()
        early = gate.is_open
        clock.now += 10
        gate.proved()
        still_early = gate.is_open
        clock.now += 1

        gate.proved()

    assert (early, still_early, limits) == (False, False, [math.inf, 0, 4])


def test_a_probe_that_began_before_an_image_was_stored_changes_nothing(gate, limits):
    closed(gate).stored()
    gate.stored()

    gate.not_proved("no answer in 5 s")
    gate.proved()

    assert (gate.is_open, gate.trouble, limits) == (True, "", [math.inf, 0, 4, 8])


def test_a_first_try_that_failed_before_it_was_closed_does_not_count_after(gate):
    gate.proved()
    gate.first_failed("one")
    gate.close("nothing was taken")
    gate.proved()

    gate.first_failed("two")

    assert gate.is_open


def test_the_gates_opening_is_forgotten_once_all_are_let_through(gate, limits, monkeypatch):
    monkeypatch.setattr(module, "ALL_AT_ONCE", 8)
    closed(gate).proved()

    for _ in range(3):
        gate.stored()

    assert limits == [math.inf, 0, 4, math.inf]
