"""A scenario's figures: a table for people and plain values for JSON."""

import statistics
from dataclasses import dataclass

from tests.bench.ground import Measured
from tests.bench.meter import GROUPS

MB = 1_000_000
KB = 1_000


@dataclass(frozen=True, kw_only=True)
class Result:
    """Figures of one scenario."""

    name: str
    lines: list[str]
    """Lines above the table."""
    columns: dict[str, dict[str, float]]
    """Heading → group → value."""
    figures: dict[str, object]
    """The same and more, for JSON."""
    failures: list[str]
    """Reasons why the scenario counts as failed; empty when all is well."""


def cpu_ms(measured: Measured) -> dict[str, float]:
    """CPU milliseconds for each request, by group; `all` is their sum, without the client's."""
    requests = sum(measured.outcome.statuses.values())
    found = {name: 1000 * measured.cpu_seconds[name] / requests for name in GROUPS}
    return {**found, "all": sum(found.values())}


def switches(measured: Measured) -> dict[str, float]:
    """Context switches for each request, by group."""
    requests = sum(measured.outcome.statuses.values())
    return {name: count / requests for name, count in measured.switches.items()}


def in_units(sizes: dict[str, int], unit: int) -> dict[str, float]:
    """Bytes by group in megabytes or kilobytes."""
    return {name: size / unit for name, size in sizes.items()}


def growth(of: dict[str, int], over: dict[str, int], *, each: int, unit: int) -> dict[str, float]:
    """Additional memory, divided among `each` requests."""
    return {name: (of[name] - over[name]) / each / unit for name in GROUPS}


def latencies(measured: Measured) -> dict[str, float]:
    """Seconds from request to last byte: p50, p95 and the longest."""
    found = sorted(measured.outcome.latencies_seconds)
    if len(found) < 2:
        return {}
    cuts = statistics.quantiles(found, n=20, method="inclusive")
    return {"p50": cuts[9], "p95": cuts[18], "max": found[-1]}


def failures_of(measured: Measured, *, requests: int) -> list[str]:
    """Every request must have been answered 200."""
    outcome = measured.outcome
    if outcome.statuses == {"200": requests}:
        return []
    return [f"not all {requests} were 200: {outcome.statuses}", *outcome.errors]


def headline(measured: Measured) -> list[str]:
    """Counts, time and the client's own cost."""
    outcome = measured.outcome
    counts = ", ".join(f"{count} x {status}" for status, count in outcome.statuses.items())
    times = ", ".join(f"{name} {value:.2f} s" for name, value in latencies(measured).items())
    upstream = f"at most {measured.most_in_flight} at the upstream at once"
    client = f"the client itself used {outcome.cpu_seconds:.1f} s of CPU"
    return [
        f"{counts} in {outcome.wall_seconds:.1f} s; {times}",
        f"{upstream}; {client}",
    ]


def facts(measured: Measured) -> dict[str, object]:
    """Facts that every scenario writes to JSON."""
    outcome = measured.outcome
    return {
        "statuses": outcome.statuses,
        "wall_seconds": outcome.wall_seconds,
        "latency_seconds": latencies(measured),
        "received_bytes": outcome.received_bytes,
        "client_cpu_seconds": outcome.cpu_seconds,
        "most_in_flight": measured.most_in_flight,
        "cpu_ms_per_request": cpu_ms(measured),
        "switches_per_request": switches(measured),
        "idle_bytes": measured.idle_bytes,
        "waiting_bytes": measured.waiting_bytes,
        "peak_bytes": measured.peak_bytes,
        "peak_threads": measured.peak_threads,
    }


def table(result: Result) -> str:
    """The result as text, a line for each group if there are columns."""
    width = 2 + max(map(len, (*GROUPS, "all")))
    lines = [f"== {result.name}", *result.lines, ""]
    if result.columns:
        lines.append("".ljust(width) + "  ".join(result.columns))
    for name in (*GROUPS, "all") if result.columns else ():
        cells = [_cell(values.get(name), heading) for heading, values in result.columns.items()]
        lines.append((name.ljust(width) + "  ".join(cells)).rstrip())
    lines += [f"FAILED: {failure}" for failure in result.failures]
    return "\n".join([*lines, ""])


def _cell(value: float | None, heading: str) -> str:
    if value is None:
        return " " * len(heading)
    text = str(value) if isinstance(value, int) else f"{value:.2f}"
    return text.rjust(len(heading))
