"""`make bench`: the cost of the running system, measured from outside.

    python -m tests.bench [SCENARIO …] [--requests N] [--json FILE]

Scenarios: throughput, waiting, jobs, arrivals, big_images, edits, slow_clients, bombs, pages,
seals, proofs, moments, hot_tenant, scrapes, greedy, attacks, bill_lines, bill_read

Each scenario gets a fresh stack in a temporary folder, all on loopback. Exit status 1 when an
answer was not 200, when slow clients held others up, when bombs or edits took memory, when a page
or a scrape was slow, when a greedy tenant held others up, when an attack took memory or slowed an
honest caller, when seals cost too much or the hourly proof took too long, or when `ledger_check`
finds something afterwards; `pages` and `bill_lines` write rows past the ledger, which is not
proved then.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pictor.embedded.process import raise_file_limit
from tests.bench import (
    arrivals,
    attacks,
    big_images,
    bill_lines,
    bill_read,
    bombs,
    edits,
    greedy,
    hot_tenant,
    jobs,
    moments,
    pages,
    proofs,
    scrapes,
    seals,
    slow_clients,
    throughput,
    waiting,
)
from tests.bench.ground import Ground, fresh_ground
from tests.bench.report import Result, table

SCENARIOS: dict[str, Callable[[Ground, int | None], Result]] = {
    "throughput": throughput.run,
    "waiting": waiting.run,
    "jobs": jobs.run,
    "arrivals": arrivals.run,
    "big_images": big_images.run,
    "edits": edits.run,
    "slow_clients": slow_clients.run,
    "bombs": bombs.run,
    "pages": pages.run,
    "seals": seals.run,
    "proofs": proofs.run,
    "moments": moments.run,
    "hot_tenant": hot_tenant.run,
    "scrapes": scrapes.run,
    "greedy": greedy.run,
    "attacks": attacks.run,
    "bill_lines": bill_lines.run,
    "bill_read": bill_read.run,
}
UNPROVED = frozenset({"bill_lines", "pages"})
"""Scenarios that write rows past the ledger."""
MAX_REQUESTS = 10_000_000


def main(argv: Sequence[str]) -> int:
    """Run the scenarios asked for, by default all; return the exit status."""
    options = _read(argv)
    raise_file_limit()
    results = {name: _measure(name, options.requests) for name in options.scenarios or SCENARIOS}
    if options.json:
        figures = {
            name: {**result.figures, "failures": result.failures}
            for name, result in results.items()
        }
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return int(any(result.failures for result in results.values()))


def _measure(name: str, requests: int | None) -> Result:
    with fresh_ground() as ground:
        result = SCENARIOS[name](ground, requests)
        if name not in UNPROVED and (finding := ground.ledger_finding()):
            result.failures.append(f"ledger_check: {finding}")
    sys.stdout.write(table(result) + "\n")
    sys.stdout.flush()
    return result


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=" ".join(SCENARIOS))
    parser.add_argument("--requests", type=int, metavar="N", help="instead of each one's default")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args(argv)
    if unknown := set(options.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    if options.requests is not None and not 1 <= options.requests <= MAX_REQUESTS:
        parser.error(f"--requests is between 1 and {MAX_REQUESTS}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
