"""Waiting is cheap: thousands of requests wait for a slow upstream at once."""

from tests.bench import report
from tests.bench.ground import Ground
from tests.bench.report import KB, MB, Result

REQUESTS = 2_000
DELAY_SECONDS = 30
MAX_WEB_THREADS = 30
"""A waiting request holds none."""
MAX_KB = 45
"""Limit for a waiting request, in the web process and the image worker together."""


def run(ground: Ground, requests: int | None) -> Result:
    """Send all requests at once, each answered by the upstream after 30 s."""
    count = requests or REQUESTS
    measured = ground.measure(
        requests=count,
        concurrency=count,
        prompt=f"Slow boat {{number}} [sandbox: delay={DELAY_SECONDS}]",
    )
    waiting = report.growth(measured.waiting_bytes, measured.idle_bytes, each=count, unit=KB)
    peak = report.growth(measured.peak_bytes, measured.idle_bytes, each=count, unit=KB)
    failures = report.failures_of(measured, requests=count)
    if measured.peak_threads["web"] >= MAX_WEB_THREADS:
        failures.append(f"{measured.peak_threads['web']} threads in web")
    if (kept := waiting["web"] + waiting["worker"]) > MAX_KB:
        failures.append(f"{kept:.0f} KB for a waiting request")
    return Result(
        name=f"waiting: {count} requests in flight on a {DELAY_SECONDS} s upstream",
        lines=report.headline(measured),
        columns={
            "CPU ms/request": report.cpu_ms(measured),
            "idle MB": report.in_units(measured.idle_bytes, MB),
            "waiting MB": report.in_units(measured.waiting_bytes, MB),
            "peak MB": report.in_units(measured.peak_bytes, MB),
            "KB/request waiting": waiting,
            "KB/request peak": peak,
            "threads": {**measured.peak_threads},
        },
        figures={
            **report.facts(measured),
            "kb_per_request_waiting": waiting,
            "kb_per_request_peak": peak,
        },
        failures=failures,
    )
