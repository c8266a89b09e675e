"""Slow clients hold no others up: 150 of them drip forms and headers, or never finish."""

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.report import MB, Result

SECONDS = 30.0
LONGEST_SECONDS = 1.0
"""Time within which honest clients must be answered."""
MAX_GROWTH_BYTES = 150 * MB
"""Limit for the web process."""


def run(ground: Ground, requests: int | None) -> Result:
    """Send honest calls beside the attack; `requests` is ignored."""
    attacked = ground.attack(seconds=SECONDS)
    lines = []
    failures = []
    for path, seconds in attacked.endured.seconds.items():
        found = sorted(seconds)
        half, worst = found[len(found) // 2], found[-1]
        lines.append(f"{path}: {len(found)} calls, p50 {half:.3f} s, max {worst:.3f} s")
        if worst > LONGEST_SECONDS:
            failures.append(f"{path} took {worst:.1f} s")
    if attacked.endured.failed:
        failures.append(f"{attacked.endured.failed} honest calls were not answered 200")
    grown = attacked.peak_bytes["web"] - attacked.idle_bytes["web"]
    if grown > MAX_GROWTH_BYTES:
        failures.append(f"web grew by {grown // MB} MB")
    return Result(
        name=f"slow_clients: 150 hostile connections for {SECONDS:.0f} s",
        lines=lines,
        columns={
            "idle MB": report.in_units(attacked.idle_bytes, MB),
            "peak MB": report.in_units(attacked.peak_bytes, MB),
        },
        figures={
            "seconds": attacked.endured.seconds,
            "failed": attacked.endured.failed,
            "idle_bytes": attacked.idle_bytes,
            "peak_bytes": attacked.peak_bytes,
        },
        failures=failures,
    )
