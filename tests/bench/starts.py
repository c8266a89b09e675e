"""The start-up time of the embedded default: `python -m tests.bench.starts [ROUNDS]`.

A first start writes the databases, and 90 days of demo history unless switched off; a second start
finds all of it. Both kinds are timed by turns, with packages installed, in seconds from the command
to its printed address. The exit status is 1 if the history makes a first start more than 3 s
slower.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from pictor.embedded.ports import free_port
from tests.stack.servers import start_stack, stop_stack

ROUNDS = 5
MAX_SECONDS = 3.0
"""Limit of the time that the history adds to a first start."""


def main(rounds: int) -> int:
    """Print the median of each; return the exit status."""
    times: dict[str, list[float]] = {"first": [], "first, no history": [], "second": []}
    for _ in range(rounds):
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="pictor-starts-") as folder:
            times["first"].append(_seconds(Path(folder), port))
            times["second"].append(_seconds(Path(folder), port))
        with tempfile.TemporaryDirectory(prefix="pictor-starts-") as folder:
            times["first, no history"].append(_seconds(Path(folder), port, history="0"))
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, found in times.items():
        each = ", ".join(f"{seconds:.1f}" for seconds in found)
        sys.stdout.write(f"{name}: {medians[name]:.1f} s ({each})\n")
    return int(medians["first"] - medians["first, no history"] > MAX_SECONDS)


def _seconds(folder: Path, port: int, *, history: str = "1") -> float:
    began = time.monotonic()
    stack = start_stack(
        folder,
        PORT=str(port),
        PICTOR_EGRESS_ALLOW="",  # compared with the second start's, to see that it was set up
        PICTOR_WEBHOOK_ALLOW="",
        PICTOR_DEMO_HISTORY=history,
        PICTOR_FIRST_IMAGE="1",
    )
    took = time.monotonic() - began
    stop_stack(stack)
    return took


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else ROUNDS))
