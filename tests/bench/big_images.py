"""Memory is flat with many large images under way at once, as base64."""

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.report import MB, Result

IMAGES = 32
SIZE = "3840x1920"
IMAGE_BYTES = 3_840 * 1_920 * 3
"""Least size of the sandbox's noise: 22 MB, the next listed size above 20."""


def run(ground: Ground, requests: int | None) -> Result:
    """Send all requests at once, each for one image of 22 MB as `b64_json`."""
    count = requests or IMAGES
    measured = ground.measure(
        requests=count,
        concurrency=count,
        prompt="Static {number} [sandbox: noise]",
        size=SIZE,
        response_format="b64_json",
    )
    peak = report.growth(measured.peak_bytes, measured.idle_bytes, each=count, unit=MB)
    failures = report.failures_of(measured, requests=count)
    if measured.outcome.received_bytes < count * IMAGE_BYTES * 4 // 3:
        failures.append(f"only {measured.outcome.received_bytes} bytes came")
    return Result(
        name=f"big_images: {count} images of {IMAGE_BYTES / MB:.0f} MB at once as b64_json",
        lines=report.headline(measured),
        columns={
            "CPU ms/image": report.cpu_ms(measured),
            "idle MB": report.in_units(measured.idle_bytes, MB),
            "peak MB": report.in_units(measured.peak_bytes, MB),
            "peak growth MB/image": peak,
            "threads": {**measured.peak_threads},
        },
        figures={**report.facts(measured), "peak_growth_mb_per_image": peak},
        failures=failures,
    )
