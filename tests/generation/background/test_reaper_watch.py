"""A reaper whose round never ends: the process exits, or lost work would never be found."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from generation.background import reaper
from pictor.kit.running import vital


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[threading.Event]:
    """A running reaper watched at short intervals; its rounds last until the event is set."""
    goes_on = threading.Event()
    settings.REAPER_SECONDS = 0.01
    monkeypatch.setattr(reaper, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr(reaper, "LISTEN_SECONDS", 0.02)
    monkeypatch.setattr(reaper, "_stop", threading.Event())
    monkeypatch.setattr(reaper, "reap", lambda now: goes_on.wait())
    before = set(threading.enumerate())
    yield goes_on
    goes_on.set()
    reaper.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)


def test_a_process_whose_reaper_hangs_ends(rounds, monkeypatch):
    has_ended = threading.Event()
    reasons: list[str] = []

    def end_process(why: str) -> None:
        reasons.append(why)
        has_ended.set()

    monkeypatch.setattr(vital, "end_process", end_process)
    reaper.start()

    assert has_ended.wait(10)
    assert set(reasons) == {"its reaper has hung"}
