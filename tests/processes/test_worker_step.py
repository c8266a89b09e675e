"""The end of a worker while a server that it needs is away."""

import json
import os
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from celery import beat

from generation.background import reaper
from pictor.kit.database import statement_logs
from pictor.kit.watching import metrics
from pictor.processes import worker_step
from pictor.processes.worker_step import Become
from tests.stack.servers import ROOT
from webhooks import sender


class StuckBeat:
    """A beat that waits for an absent broker, even when asked to stop, until a test lets it go."""

    def __init__(self) -> None:
        self.is_back = threading.Event()
        self.is_asked = False

    def start(self) -> None:
        self.is_back.wait()

    def stop(self, *, wait: bool = False) -> None:
        self.is_asked = True
        if wait:
            self.is_back.wait()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of stopped parts, in order; nothing is started."""
    names: list[str] = []

    def note(module: Any, name: str) -> None:
        word = f"{module.__name__.rpartition('.')[2]}.{name}"
        monkeypatch.setattr(module, name, lambda: names.append(word))

    for start in ((reaper, "start"), (sender, "start"), (statement_logs, "look_once")):
        monkeypatch.setattr(*start, lambda: None)
    for stop in ((reaper, "drain"), (sender, "drain"), (metrics, "stop")):
        note(*stop)
    monkeypatch.setattr(worker_step, "_begun", [])
    return names


def test_a_worker_drains_and_ends_while_its_beat_waits_for_the_broker(
    monkeypatch, settings, tmp_path, ended
):
    stuck = StuckBeat()
    monkeypatch.setattr(beat, "Service", lambda *_, **__: stuck)
    data = tmp_path / "short" / "1"
    monkeypatch.setenv("PICTOR_DATA", str(data))
    settings.METRICS = False
    queues = SimpleNamespace(consume_from={"short"})
    parent = SimpleNamespace(
        app=SimpleNamespace(amqp=SimpleNamespace(queues=queues), set_current=lambda: None)
    )
    step = Become(parent)
    step.start(parent)
    stopping = threading.Thread(target=step.stop, args=(parent,), daemon=True)

    stopping.start()
    stopping.join(10)
    has_ended = not stopping.is_alive()
    stuck.is_back.set()

    assert has_ended
    assert stuck.is_asked
    assert data.is_dir()  # the folder in which the beat keeps its schedule
    assert ended == ["reaper.drain", "sender.drain", "metrics.stop"]


@pytest.mark.parametrize(
    ("queue", "problem"),
    [("short", "Each worker needs its own PICTOR_DATA folder"), ("image", "images|short")],
)
def test_a_worker_that_cannot_begin_says_why_in_one_line(monkeypatch, queue, problem):
    monkeypatch.delenv("PICTOR_DATA", raising=False)

    ended = subprocess.run(  # noqa: S603 - our own worker
        [sys.executable, "-m", "pictor.processes.celery_worker", queue],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert problem in json.loads(line)["message"]
