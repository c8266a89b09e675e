"""Bombs from an upstream: pixels, text, gzip, JSON; and answers that hang or break off."""

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.report import MB, Result

REQUESTS = 120
CONCURRENCY = 8
MAX_GROWTH_BYTES = 150 * MB
"""Limit for the web process and for the image worker."""


def run(ground: Ground, requests: int | None) -> Result:
    """Run generations over a hostile channel; most of them fail, uncharged."""
    count = requests or REQUESTS
    measured = ground.measure_hostile(requests=count, concurrency=CONCURRENCY)
    failures = []
    for group in ("web", "worker"):
        grown = measured.peak_bytes[group] - measured.idle_bytes[group]
        if grown > MAX_GROWTH_BYTES:
            failures.append(f"{group} grew by {grown // MB} MB")
    return Result(
        name=f"bombs: {count} generations from a hostile upstream, {CONCURRENCY} at once",
        lines=report.headline(measured),
        columns={
            "CPU ms/request": report.cpu_ms(measured),
            "idle MB": report.in_units(measured.idle_bytes, MB),
            "peak MB": report.in_units(measured.peak_bytes, MB),
        },
        figures=report.facts(measured),
        failures=failures,
    )
