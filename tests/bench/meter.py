"""CPU time, context switches, memory and threads of each process group of a running stack.

A group is a part of `pids.json` with its children. Memory is the proportional set size (shared
pages are divided among processes, so a group's processes add up) if the kernel reports it,
otherwise the resident set size.
"""

import contextlib
import statistics
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg

from tests.stack.servers import Stack

GROUPS = ("web", "worker", "short", "postgres", "broker", "s3", "sandbox")
"""`worker` is the image worker; `short` the worker of the short queue, with the reaper."""
SAMPLE_SECONDS = 0.2

_IN_HAND = """
SELECT t.name || CASE WHEN g.livemode THEN '' ELSE ' (tests)' END, count(*)
  FROM generation_generation AS g JOIN accounts_tenant AS t ON t.id = g.tenant_id
 WHERE g.state = 'running' GROUP BY 1
"""


@dataclass(frozen=True)
class Sample:
    """Memory and threads of every group at one time."""

    memory_bytes: dict[str, int]
    threads: dict[str, int]
    """The largest number in one process of the group."""


class Groups:
    """The stack's present processes. Raises RuntimeError once one has been replaced."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._pids = stack.pids()
        worker, short = self._pids["worker"]
        roots = {**self._pids, "worker": [worker], "short": [short]}
        self._roots = {name: [psutil.Process(pid) for pid in roots[name]] for name in GROUPS}

    def cpu_seconds(self) -> dict[str, float]:
        """User and system time so far, with ended children."""
        if self._stack.pids() != self._pids:
            raise RuntimeError(f"a part was started again: {self._pids} → {self._stack.pids()}")
        return {name: sum(map(cpu_seconds, self._processes(name))) for name in GROUPS}

    def switches(self) -> dict[str, int]:
        """Context switches so far of the present threads; 0 if the kernel does not report them."""
        return {name: sum(map(_switches, self._processes(name))) for name in GROUPS}

    def sample(self) -> Sample:
        """Memory and threads now."""
        memory, threads = {}, {}
        for name in GROUPS:
            processes = self._processes(name)
            memory[name] = sum(map(_memory, processes))
            threads[name] = max(map(_threads, processes), default=0)
        return Sample(memory, threads)

    def _processes(self, name: str) -> list[psutil.Process]:
        return [process for root in self._roots[name] for process in family(root)]


class Sampler:
    """Take a sample every 200 ms in a thread of its own, while the `with` block lasts.

    Args:
        groups: the groups to sample.
        in_flight: called with every sample; returns the number of requests waiting upstream.
    """

    def __init__(self, groups: Groups, in_flight: Callable[[], int]) -> None:
        self._groups = groups
        self._in_flight = in_flight
        self._samples: list[tuple[int, Sample]] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def most_in_flight(self) -> int:
        """The most requests that waited at the upstream at once."""
        return max((in_flight for in_flight, _ in self._samples), default=0)

    def peak_bytes(self) -> dict[str, int]:
        """The most memory of each group."""
        return {
            name: max(sample.memory_bytes[name] for _, sample in self._samples) for name in GROUPS
        }

    def waiting_bytes(self) -> dict[str, int]:
        """Median memory of each group while at least 95 % of the most requests waited."""
        enough = 0.95 * self.most_in_flight
        full = [sample for in_flight, sample in self._samples if in_flight >= enough]
        return _median(full)

    def peak_threads(self) -> dict[str, int]:
        """The most threads in one process of each group."""
        return {name: max(sample.threads[name] for _, sample in self._samples) for name in GROUPS}

    def _run(self) -> None:
        is_over = False
        while not is_over:
            self._samples.append((self._in_flight(), self._groups.sample()))
            is_over = self._is_over.wait(SAMPLE_SECONDS)


class Peaks:
    """The highest value of each of some counts; a call returns their present sum."""

    def __init__(self, look: Callable[[], Counter[str]]) -> None:
        self._look = look
        self.most: Counter[str] = Counter()

    def __call__(self) -> int:
        found = self._look()
        self.most |= found
        return found.total()


def in_hand(connection: "psycopg.Connection[Any]") -> Counter[str]:
    """The slots that each tenant has now, without those of its tests."""
    return Counter(dict(connection.execute(_IN_HAND).fetchall()))


def idle_bytes(groups: Groups, *, seconds: float = 2.0) -> dict[str, int]:
    """Median memory of each group over a while without requests to the stack."""
    pause = threading.Event()
    samples = []
    for _ in range(round(seconds / SAMPLE_SECONDS)):
        pause.wait(SAMPLE_SECONDS)
        samples.append(groups.sample())
    return _median(samples)


def _median(samples: list[Sample]) -> dict[str, int]:
    return {
        name: round(statistics.median(sample.memory_bytes[name] for sample in samples))
        for name in GROUPS
    }


def family(root: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants; empty once it has ended."""
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time so far, with ended children; 0 once the process has ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _switches(process: psutil.Process) -> int:
    found = 0
    for status in Path(f"/proc/{process.pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            lines = status.read_text(encoding="ascii", errors="replace").splitlines()
            found += sum(int(line.split()[1]) for line in lines if "_ctxt_switches" in line)
    return found


def _memory(process: psutil.Process) -> int:
    try:
        return _proportional(process.pid)
    except (OSError, StopIteration):
        pass
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _proportional(pid: int) -> int:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) * 1024


def _threads(process: psutil.Process) -> int:
    try:
        return process.num_threads()
    except psutil.NoSuchProcess:
        return 0
