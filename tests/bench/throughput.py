"""The cost of a request: quick ones, enough at once to keep the machine busy."""

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.report import MB, Result

REQUESTS = 300
CONCURRENCY = 32


def run(ground: Ground, requests: int | None) -> Result:
    """Send requests for 1024x1024 by url, 32 at a time."""
    count = requests or REQUESTS
    measured = ground.measure(
        requests=count, concurrency=CONCURRENCY, prompt="Boat {number}", response_format="url"
    )
    rate = count / measured.outcome.wall_seconds
    return Result(
        name=f"throughput: {count} requests of 1024x1024 by url, {CONCURRENCY} at a time",
        lines=[*report.headline(measured), f"{rate:.1f} requests a second, all on this machine"],
        columns={
            "CPU ms/request": report.cpu_ms(measured),
            "switches/request": report.switches(measured),
            "idle MB": report.in_units(measured.idle_bytes, MB),
            "peak MB": report.in_units(measured.peak_bytes, MB),
            "threads": {**measured.peak_threads},
        },
        figures={**report.facts(measured), "requests_per_second": rate},
        failures=report.failures_of(measured, requests=count),
    )
