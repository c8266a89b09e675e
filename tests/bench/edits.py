"""Memory is flat with many edits at once, each with large images of its own."""

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.report import MB, Result

EDITS = 32
IMAGES = 4
MAX_MB_PER_EDIT = {"web": 2.0, "worker": 3.0}
"""Limits of peak memory above idle."""


def run(ground: Ground, requests: int | None) -> Result:
    """Send all edits at once, each with four images of 20 MB as files of a form."""
    count = requests or EDITS
    measured = ground.measure(
        requests=count, concurrency=count, images=IMAGES, prompt="A boat {number}"
    )
    peak = report.growth(measured.peak_bytes, measured.idle_bytes, each=count, unit=MB)
    failures = report.failures_of(measured, requests=count)
    failures += [
        f"{group}: {peak[group]:.1f} MB for each edit, more than {most}"
        for group, most in MAX_MB_PER_EDIT.items()
        if peak[group] > most
    ]
    return Result(
        name=f"edits: {count} at once, each with {IMAGES} images of 20 MB",
        lines=report.headline(measured),
        columns={
            "CPU ms/edit": report.cpu_ms(measured),
            "idle MB": report.in_units(measured.idle_bytes, MB),
            "peak MB": report.in_units(measured.peak_bytes, MB),
            "peak growth MB/edit": peak,
            "threads": {**measured.peak_threads},
        },
        figures={**report.facts(measured), "peak_growth_mb_per_edit": peak},
        failures=failures,
    )
