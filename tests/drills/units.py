"""Processes kept as systemd keeps those of deploy/: an ended one restarts after a second.

All are gone at the end of the block, and also when the drill itself is killed.
"""

import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen
from types import TracebackType
from typing import Self

from pictor.embedded.guard import Guard
from pictor.embedded.logs import begin_log
from pictor.embedded.part import Running, StackPart, tail
from pictor.embedded.process import signal_group
from tests.stack.stack_processes import until

RESTART_SECONDS = 1.0
"""RestartSec of deploy/systemd."""
LOOK_SECONDS = 0.05


@dataclass(eq=False)
class Unit:
    """One process, or none at the moment."""

    part: StackPart
    running: Running | None = None
    is_wanted: bool = False
    ended_at: float = 0.0
    ends: int = 0
    """The number of times it has ended without being stopped."""

    @property
    def is_ready(self) -> bool:
        running = self.running
        return running is not None and self.part.is_ready(running)


class Units:
    """Start, stop and kill units; a thread restarts those that ended by themselves."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir()
        self._logs = logs
        self._units: list[Unit] = []
        self._lock = threading.RLock()
        self._guard = Guard()
        self._is_over = threading.Event()
        self._watch = threading.Thread(target=self._look_after_all, name="units")

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._watch.join()
        for unit in reversed(self._units):
            self._end(unit)
        self._guard.close()

    def start(self, *parts: StackPart) -> list[Unit]:
        """Start a unit for each part, together; return once all are ready."""
        units = [Unit(part) for part in parts]
        self._units += units
        try:
            self.resume(*units)
        except BaseException:
            self.forget(*units)
            raise
        return units

    def resume(self, *units: Unit) -> None:
        """Start stopped units; return once all are ready."""
        for unit in units:
            with self._lock:
                unit.is_wanted = True
                self._begin(unit)
        for unit in units:
            self._wait_for(unit)

    def stop(self, *units: Unit) -> None:
        """Stop as a process manager does: the part's signal, its time, and then by force."""
        for unit in units:
            with self._lock:
                unit.is_wanted = False
                if unit.running is not None:
                    unit.running.process.send_signal(unit.part.stop_signal)
        for unit in units:
            ends_at = time.monotonic() + unit.part.stop_seconds
            while unit.running is not None and time.monotonic() < ends_at:
                time.sleep(LOOK_SECONDS)
            self._end(unit)

    def remove(self, *units: Unit) -> None:
        """Stop them for good."""
        self.stop(*units)
        self.forget(*units)

    def forget(self, *units: Unit) -> None:
        """End them at once, for good, unless they already are."""
        for unit in units:
            with self._lock:
                unit.is_wanted = False
                self._end(unit)
                if unit in self._units:
                    self._units.remove(unit)

    def kill(self, unit: Unit, *, comes_back: bool = True) -> None:
        """Send SIGKILL to the unit and its children, at once."""
        with self._lock:
            unit.is_wanted = comes_back
            killed = unit.running
            assert killed is not None
            signal_group(killed.process.pid, signal.SIGKILL)
        until(lambda: unit.running is not killed)

    def _wait_for(self, unit: Unit) -> None:
        try:
            until(lambda: unit.is_ready or unit.ends > 0, unit.part.ready_seconds)
            assert unit.ends == 0
        except AssertionError:
            log = self._log_of(unit.part)
            raise RuntimeError(f"{unit.part.name} did not start:\n{tail(log, 30)}") from None

    def _log_of(self, part: StackPart) -> Path:
        return self._logs / f"{part.name}.log"

    def _begin(self, unit: Unit) -> None:
        """Start a unit; the lock must be held."""
        command, log = unit.part.command(), self._log_of(unit.part)
        account, offset = command.account, begin_log(log)
        with log.open("ab") as output:
            process = Popen(  # noqa: S603 - our own commands
                command.argv,
                cwd=command.cwd,
                env=dict(command.env),
                stdin=DEVNULL,
                stdout=output,
                stderr=STDOUT,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
            self._guard.watch(process.pid, command.death_signal)
            unit.ends, unit.ended_at = 0, 0.0
            unit.running = Running(process=process, log=log, log_offset=offset)

    def _look_after_all(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            for unit in list(self._units):
                self._look_after(unit)

    def _look_after(self, unit: Unit) -> None:
        with self._lock:
            if unit.running is not None and unit.running.process.poll() is not None:
                self._end(unit)
                unit.ends += 1
            due = unit.ended_at + RESTART_SECONDS
            if unit.is_wanted and unit.running is None and time.monotonic() > due:
                self._begin(unit)

    def _end(self, unit: Unit) -> None:
        """End everything left of its process group."""
        with self._lock:
            if unit.running is None:
                return
            group = unit.running.process.pid
            signal_group(group, signal.SIGKILL)
            unit.running.process.wait()
            self._guard.forget(group)
            unit.running, unit.ended_at = None, time.monotonic()
