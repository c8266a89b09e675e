"""Faults of a chaos run: kills, several at once, and long absences."""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations

import psutil

from tests.stack.servers import Stack

PARTS = ("web", "images", "short", "broker", "postgres", "s3")
GAP_SECONDS = (1.0, 4.0)
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Fault:
    """An injected fault: its name, and the time from which its last part was free to return."""

    what: str
    ended_at: float


@dataclass
class Faults:
    """Inject faults until stopped; the same seed gives the same ones in the same order."""

    stack: Stack
    dice: random.Random
    away_seconds: float
    injected: list[Fault] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, *, seconds: float, is_whole: Callable[[], bool]) -> None:
        """Inject one after the other; each begins when the one before it has been mended."""
        ends_at = time.monotonic() + seconds
        for what, inject in self._plan():
            if time.monotonic() >= ends_at:
                return
            inject()
            self.injected.append(Fault(what, time.monotonic()))
            while not is_whole() and time.monotonic() < self.injected[-1].ended_at + 60:
                self._stop.wait(LOOK_SECONDS)
            self._stop.wait(self.dice.uniform(*GAP_SECONDS))

    def kill_image_worker(self) -> None:
        """Kill the image worker, as the poison does."""
        self._kill("images")

    def _plan(self) -> "list[tuple[str, Callable[[], None]]]":
        """Absences of every part, and kills of every part, pair and triple, shuffled.

        An absence comes first, so that a short run has one.
        """
        groups = [group for size in (1, 2, 3) for group in combinations(PARTS, size)]
        kills = [(f"{' + '.join(group)} killed", self._killer(group)) for group in groups]
        absences = [
            (f"{part} away for {self.away_seconds:.0f} s", self._holder(part)) for part in PARTS
        ]
        self.dice.shuffle(kills)
        self.dice.shuffle(absences)
        step = max(1, len(kills) // len(absences))
        plan: list[tuple[str, Callable[[], None]]] = []
        for number, absence in enumerate(absences):
            plan += [absence, *kills[number * step : (number + 1) * step]]
        return plan + kills[len(absences) * step :]

    def _killer(self, group: tuple[str, ...]) -> Callable[[], None]:
        def kill() -> None:
            for part in group:
                self._kill(part)

        return kill

    def _holder(self, part: str) -> Callable[[], None]:
        """Return a fault that keeps a part away: killed whenever it returns, the others once."""

        def hold() -> None:
            for other in PARTS:
                self._kill(other)
            ends_at = time.monotonic() + self.away_seconds
            while time.monotonic() < ends_at:
                self._kill(part)
                self._stop.wait(LOOK_SECONDS)

        return hold

    def _kill(self, part: str) -> None:
        pid = self._pid(part)
        with contextlib.suppress(psutil.NoSuchProcess):
            if pid:
                psutil.Process(pid).kill()

    def _pid(self, part: str) -> int | None:
        role, place = {"images": ("worker", 0), "short": ("worker", 1)}.get(part, (part, 0))
        with contextlib.suppress(KeyError, IndexError, OSError, ValueError):
            return self.stack.pids()[role][place]
        return None
