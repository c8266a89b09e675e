"""Requests that arrive evenly, answered or not: the delay that Pictor adds.

The delay is the time beyond the upstream's, which is the median of the same stream sent straight to
it. The time that the sandbox's own work adds to its delay is printed beside it.
"""

import statistics
from dataclasses import dataclass
from typing import Any

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.report import Result


@dataclass(frozen=True)
class Stream:
    """`requests` requests at `per_second`, each answered by the upstream after `delay_seconds`."""

    requests: int
    per_second: int
    delay_seconds: float

    @property
    def name(self) -> str:
        """The stream in words."""
        return f"{self.requests} at {self.per_second} a second, upstream {self.delay_seconds:g} s"


STREAMS = (Stream(1_000, 50, 0.2), Stream(2_000, 200, 10.0))


def run(ground: Ground, requests: int | None) -> Result:
    """Run one stream after the other."""
    ground.warm_up()
    lines, failures, figures = [], [], {}
    for stream in STREAMS:
        count = min(requests or stream.requests, stream.requests)
        load: dict[str, Any] = {
            "requests": count,
            "concurrency": count,
            "per_second": stream.per_second,
            "body": {"prompt": f"Boat {{number}} [sandbox: delay={stream.delay_seconds}]"},
        }
        upstream = statistics.median(ground.send(**load, straight=True).latencies_seconds)
        measured = ground.watched(**load)
        failures += report.failures_of(measured, requests=count)
        if len(measured.outcome.latencies_seconds) < 2:
            continue
        late = [1000 * (second - upstream) for second in measured.outcome.latencies_seconds]
        cuts = statistics.quantiles(late, n=100, method="inclusive")
        work = 1000 * (upstream - stream.delay_seconds)
        figures[stream.name] = {
            "late_ms": {"p50": cuts[49], "p99": cuts[98], "max": max(late)},
            "upstream_work_ms": work,
        }
        lines += [
            f"{stream.name}: {cuts[49]:.0f} ms late (p50), {cuts[98]:.0f} (p99)",
            f"the upstream's own work, which is in neither: {work:.0f} ms",
            *report.headline(measured),
        ]
    return Result(
        name="arrivals: evenly, whatever is answered",
        lines=lines,
        columns={},
        figures={**figures},
        failures=failures,
    )
