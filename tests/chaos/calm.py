"""The cost of greedy tenants to honest ones while nothing is killed: without them, then with."""

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import psycopg

from tests.bench.meter import Groups, Peaks, Sampler, idle_bytes, in_hand
from tests.chaos.traffic import Traffic
from tests.stack.servers import Stack
from tests.stack.stack_processes import until

SLOTS = 200
"""Slots of the stack's image worker, ten of them for tests, so that they run short quickly."""
TENANT, GREEDY, TESTER = "chaos", "greedy", "tester"
LEAST_GREEDY = 150
"""Greedy requests in hand before the honest are timed beside them."""
WARM_SECONDS = 2.0
MAX_TIMES = 2.0
"""Factor by which an honest order may be slower beside the greedy."""
SHOWN = ("web", "worker")
MB = 1_000_000


@dataclass(frozen=True)
class Calm:
    """Times of honest orders, the most slots that tenants had, and memory."""

    alone: list[float]
    beside: list[float]
    slots: Counter[str]
    idle_bytes: dict[str, int]
    peak_bytes: dict[str, int]

    def lines(self) -> list[str]:
        """The figures."""
        alone, beside = _p95(self.alone), _p95(self.beside)
        counts = f"{len(self.alone)} and {len(self.beside)} orders"
        slots = ", ".join(f"{name} {count}" for name, count in sorted(self.slots.items()))
        memory = [
            f"memory of {name}: {self.idle_bytes[name] // MB} MB idle,"
            f" {self.peak_bytes[name] // MB} MB beside the greedy"
            for name in SHOWN
        ]
        return [
            f"honest p95 without kills: {alone:.2f} s, beside the greedy {beside:.2f} s ({counts})",
            f"most of {SLOTS} slots: {slots}",
            *memory,
        ]

    def broken(self) -> list[str]:
        """Broken promises."""
        alone, beside = _p95(self.alone), _p95(self.beside)
        if beside <= MAX_TIMES * alone:
            return []
        return [f"honest p95 beside the greedy: {beside:.2f} s, without them {alone:.2f} s"]


def calm(
    stack: Stack, traffic: Traffic, *, seconds: float, begin_greedy: Callable[[], None]
) -> Calm:
    """Send honest orders for that long, then as long beside the greedy, who go on."""
    asyncio.run(traffic.calm(WARM_SECONDS))
    groups = Groups(stack)
    idle = idle_bytes(groups)
    alone = asyncio.run(traffic.calm(seconds))
    begin_greedy()
    with closing(psycopg.connect(stack.env["DATABASE_URL"], autocommit=True)) as connection:
        until(lambda: in_hand(connection)[GREEDY] >= LEAST_GREEDY)
        slots = Peaks(lambda: in_hand(connection))
        with Sampler(groups, slots) as seen:
            beside = asyncio.run(traffic.calm(seconds))
    return Calm(alone, beside, slots.most, idle, seen.peak_bytes())


def _p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20, method="inclusive")[18]
