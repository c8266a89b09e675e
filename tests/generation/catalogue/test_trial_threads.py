"""Tests of routes run beside the short work, up to a limit at once."""

import threading
from uuid import UUID, uuid4

import pytest

from generation.catalogue import trial_threads, trials
from tests.stack.stack_processes import until


@pytest.fixture
def held(monkeypatch):
    """The tests that began, and the event that lets them end."""
    began: list[UUID] = []
    end = threading.Event()

    def run_asked(trial_id: UUID) -> None:
        began.append(trial_id)
        end.wait(30)
        raise RuntimeError("one that fails leaves its lane")

    monkeypatch.setattr(trials, "run_asked", run_asked)
    yield began, end
    end.set()


@pytest.mark.django_db
def test_a_lane_is_no_thread_of_the_pool_and_there_are_eight(held, caplog):
    began, end = held
    asked = [uuid4() for _ in range(9)]

    for trial_id in asked:
        trial_threads.try_route(str(trial_id))  # and returns at once
    until(lambda: len(began) == 8)
    assert [one.name for one in threading.enumerate()].count("trial") == 9
    end.set()
    until(lambda: len(began) == 9)

    until(lambda: "trial" not in [one.name for one in threading.enumerate()])
    assert sorted(began) == sorted(asked)
    assert len(caplog.records) == 9
