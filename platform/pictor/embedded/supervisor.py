"""The supervisor: starts parts, waits until they are ready, restarts them, stops them.

One thread, one loop. A part that ends is restarted, whatever its exit code, until `stop`: after 0.2
s, then twice as long each time, at most 5 s. Only while `run` starts, a part that ends four times
without ever being ready ends `run`. All waiting goes through `tick`, so a part that dies while
another starts, or while the database migrates, is restarted too.
"""

import contextlib
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

from pictor.embedded.errors import RuntimeProblem, Stopped
from pictor.embedded.files import write_json
from pictor.embedded.guard import Guard
from pictor.embedded.logs import begin_log, bound_log
from pictor.embedded.old_parts import note_children
from pictor.embedded.part import Running, StackPart, tail
from pictor.embedded.process import Command, signal_group, spawn
from pictor.embedded.progress import Progress

T = TypeVar("T")
BACKOFF_SECONDS = (0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
STEADY_SECONDS = 30.0
"""After a part has run this long, its next back-off starts from the beginning."""
TIMES_PATIENT = 10
"""Factor of the time to become ready again for a part that has been ready before."""
STARTS_BEFORE_GIVING_UP = 4
"""While `run` starts, it ends once a part that was never ready has ended this often."""
LOUD_FAILURES = 10
"""Every failure of a part is reported up to this number, then each tenth one."""
TICK_SECONDS = 0.03
IDLE_SECONDS = 0.5


@dataclass
class Watched:
    """A part and its present process, if it has one."""

    part: StackPart
    running: Running | None = None
    pid: int = 0
    """The last process's pid, kept in `pids.json` until a restart gives a new one."""
    begun_at: float = 0.0
    ready: bool = False
    ever_ready: bool = False
    failures: int = 0
    restart_at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SetupStep:
    """A command that runs to its end while the supervisor watches the parts."""

    name: str
    running: Running
    began_at: float
    seconds: float
    """The most it may run; after that it has failed."""

    def is_over(self) -> bool:
        """True if it has ended or its time is up."""
        is_late = time.monotonic() > self.began_at + self.seconds
        return is_late or self.running.process.poll() is not None


class Supervisor:
    """Owns the processes of one stack. For use from the main thread only."""

    def __init__(self, *, run: Path, children_file: Path, progress: Progress) -> None:
        self._run = run
        self._children_file = children_file
        self._progress = progress
        self._watched: list[Watched] = []
        self._tiers: list[list[Watched]] = []
        self._step: SetupStep | None = None
        self._signals = 0
        self._settled = False
        self._wake, self._bell = socket.socketpair()
        self._guard = Guard()

    def listen(self) -> None:
        """Make SIGINT, SIGTERM and SIGHUP stop the supervisor, and SIGCHLD wake the loop."""
        self._bell.settimeout(0)
        self._wake.settimeout(0)
        signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        # The wake-up descriptor is told only of signals that have a handler.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self._on_signal)

    def begin(self, parts: Sequence[StackPart]) -> list[Watched]:
        """Start the parts together without waiting; they also stop together."""
        tier = [Watched(part=part) for part in parts]
        self._tiers.append(tier)
        self._watched.extend(tier)
        for watched in tier:
            self._spawn(watched)
        return tier

    def start(self, parts: Sequence[StackPart]) -> None:
        """Start the parts together; return when each of them has been ready once.

        Raises RuntimeProblem if one does not become ready, Stopped if a signal arrives first.
        """
        tier = self.begin(parts)
        self.wait_for(lambda: all(watched.ever_ready for watched in tier))

    def wait_ready(self) -> None:
        """Return when every part has been ready once. Raises as `start` does."""
        self.wait_for(lambda: all(watched.ever_ready for watched in self._watched))

    def run_step(self, name: str, command: Command, *, seconds: float) -> None:
        """Run a command to its end. Raises RuntimeProblem with its last lines if it fails."""
        self.end_step(self.begin_step(name, command, seconds=seconds))

    def begin_step(self, name: str, command: Command, *, seconds: float) -> SetupStep:
        """Start a command that `end_step` waits for. One at a time."""
        running = self._launch(command, self._run / "log" / f"{name}.log")
        self._step = SetupStep(
            name=name, running=running, began_at=time.monotonic(), seconds=seconds
        )
        return self._step

    def wait_until_said(self, step: SetupStep, line: bytes) -> None:
        """Return when the step has printed the line or is over; `end_step` raises if it failed."""
        self.wait_for(lambda: line in step.running.output().splitlines() or step.is_over())

    def end_step(self, step: SetupStep) -> None:
        """Wait for the step's end. Raises RuntimeProblem with its last lines if it failed."""
        self.wait_for(step.is_over)
        status, log = step.running.process.poll(), step.running.log
        self._end_group(step.running)
        self._step = None
        if status != 0:
            why = (
                f"exit status {status}" if status is not None else f"no end in {step.seconds:.0f} s"
            )
            raise RuntimeProblem(f"{step.name} failed ({why}); see {log}\n{tail(log)}")
        self._progress.done(step.name, time.monotonic() - step.began_at)

    def wait_for(self, done: Callable[[], bool]) -> None:
        """Tick until `done()`. Raises Stopped if a signal arrives first."""
        while not done():
            self.tick(TICK_SECONDS)

    def meanwhile(self, ask: Callable[[], T]) -> T:
        """Return what `ask` returns, called in another thread; the parts are watched meanwhile.

        It must not raise anything. Raises Stopped if a signal arrives first.
        """
        answers: list[T] = []
        asking = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
        asking.start()
        self.wait_for(lambda: not asking.is_alive())
        return answers[0]

    def supervise(self) -> None:
        """Keep every part running until a signal arrives."""
        self._settled = True  # a part that becomes ready from now on is not announced
        with contextlib.suppress(Stopped):
            while True:
                self.tick(IDLE_SECONDS)

    def tick(self, seconds: float) -> None:
        """Check every part once, then sleep until a signal or the end of `seconds`."""
        if self._signals:
            raise Stopped
        self._guard.check()
        pending = [self._look_after(watched) for watched in self._watched]
        self._sleep(min(seconds, TICK_SECONDS) if any(pending) else seconds)

    def stop(self) -> None:
        """Stop every part, the last tier first; another signal makes it SIGKILL at once."""
        self._signals = 0
        if self._step:
            self._end_group(self._step.running)
            self._step = None
        for tier in reversed(self._tiers):
            self._stop_tier([watched for watched in reversed(tier) if watched.running])
        self._guard.close()
        self._children_file.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the loop's own sockets."""
        signal.set_wakeup_fd(-1)
        self._wake.close()
        self._bell.close()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _sleep(self, seconds: float) -> None:
        ready, _, _ = select.select([self._wake], [], [], seconds)
        if ready:
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(4096)

    def _look_after(self, watched: Watched) -> bool:
        """Restart or probe one part; return whether it is still not ready."""
        running = watched.running
        if running is None:
            if time.monotonic() >= watched.restart_at:
                self._start_again(watched)
            return True
        if running.process.poll() is not None:
            self._note_end(watched, running)
        elif not watched.ready:
            self._probe(watched, running)
        else:
            bound_log(running.log)
        return not watched.ready

    def _probe(self, watched: Watched, running: Running) -> None:
        seconds = time.monotonic() - watched.begun_at
        if watched.part.is_ready(running):
            watched.ready = True
            if watched.ever_ready:
                self._progress.done(watched.part.name, seconds, "started again")
            elif not self._settled:
                self._progress.done(watched.part.name, seconds)
            watched.ever_ready = True
        elif seconds > self._patience(watched):
            what = f"is not ready after {seconds:.0f} s"
            if not watched.ever_ready and not self._settled:
                raise self._problem(watched, what)
            self._end_group(running)
            watched.running = None
            self._plan_restart(watched, what)

    def _patience(self, watched: Watched) -> float:
        """Return the seconds until a part that is not ready counts as hung."""
        seconds = watched.part.ready_seconds
        # A part that was ready may wait for another or recover, and a kill would restart that.
        return seconds * TIMES_PATIENT if watched.ever_ready else seconds

    def _note_end(self, watched: Watched, running: Running) -> None:
        status = running.process.returncode
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        self._end_group(running)
        watched.running, watched.ready = None, False
        if time.monotonic() - watched.begun_at > STEADY_SECONDS:
            watched.failures = 0
        self._plan_restart(watched, f"ended ({how})")

    def _start_again(self, watched: Watched) -> None:
        """Start the part, or try later if that is impossible now, for example on a full disk."""
        try:
            self._spawn(watched)
        except (OSError, RuntimeProblem) as error:
            self._plan_restart(watched, f"cannot be started ({error})")

    def _plan_restart(self, watched: Watched, what: str) -> None:
        watched.failures += 1
        is_hopeless = not watched.ever_ready and not self._settled
        if is_hopeless and watched.failures >= STARTS_BEFORE_GIVING_UP:
            raise self._problem(watched, what)
        wait = BACKOFF_SECONDS[min(watched.failures, len(BACKOFF_SECONDS)) - 1]
        watched.restart_at = time.monotonic() + wait
        if watched.failures <= LOUD_FAILURES or watched.failures % LOUD_FAILURES == 0:
            log = self._log_of(watched.part)
            self._progress.trouble(f"{watched.part.name} {what}; starting it again. Log: {log}")

    def _problem(self, watched: Watched, what: str) -> RuntimeProblem:
        log = self._log_of(watched.part)
        return RuntimeProblem(f"{watched.part.name} {what}; see {log}\n{tail(log)}")

    def _log_of(self, part: StackPart) -> Path:
        return self._run / "log" / f"{part.name}.log"

    def _spawn(self, watched: Watched) -> None:
        watched.begun_at = time.monotonic()
        watched.running = self._launch(watched.part.command(), self._log_of(watched.part))
        watched.pid = watched.running.process.pid
        self._write_pids()

    def _launch(self, command: Command, log: Path) -> Running:
        offset = begin_log(log)
        try:
            process = spawn(command, log=log)
        except OSError as error:
            raise RuntimeProblem(f"{command.argv[0]} cannot be started: {error}") from error
        self._guard.watch(process.pid, command.death_signal)
        return Running(process=process, log=log, log_offset=offset)

    def _end_group(self, running: Running) -> None:
        """Kill the process and its children."""
        group = running.process.pid
        signal_group(group, signal.SIGKILL)  # its children may have outlived it
        running.process.wait()
        self._guard.forget(group)

    def _stop_tier(self, tier: Sequence[Watched]) -> None:
        began = time.monotonic()
        # All first, so that they end beside each other.
        for watched in tier:
            if watched.running:
                watched.running.process.send_signal(watched.part.stop_signal)
        for watched in tier:
            if watched.running is None:
                continue
            process = watched.running.process
            deadline = began + watched.part.stop_seconds
            while process.poll() is None and time.monotonic() < deadline and not self._signals:
                self._sleep(TICK_SECONDS)
            self._end_group(watched.running)
            watched.running = None

    def _write_pids(self) -> None:
        pids: dict[str, list[int]] = {}
        for watched in self._watched:
            if watched.pid:
                pids.setdefault(watched.part.role, []).append(watched.pid)
        try:
            write_json(self._run / "pids.json", pids)
            note_children(self._children_file, [pid for group in pids.values() for pid in group])
        except OSError as error:  # a full disk is no reason to stop what still runs
            self._progress.trouble(f"pids.json cannot be written: {error}")
