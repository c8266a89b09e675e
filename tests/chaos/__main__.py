"""`make chaos`: everything that can go wrong, at once, on a stack of its own.

    python -m tests.chaos [--seed N] [--seconds S] [--no-greedy]

Parts are killed one, two and three at a time, and kept away while the others start, under load:
honest orders, two greedy tenants, a hostile upstream, two whose pictures are looked for, an order
that kills the process that sends it, and slow clients. Before that, with nothing killed, honest
orders are timed without the greedy and then beside them. Exit status 1 if a promise was broken. A
seed repeats the faults and their order.
"""

import argparse
import random
import sys
from collections.abc import Sequence

from tests.chaos.run import run

LONGEST_SECONDS = 3600


def main(argv: Sequence[str]) -> int:
    """Run once; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--no-greedy", action="store_true", help="kills alone")
    options = parser.parse_args(argv)
    if not 1 <= options.seconds <= LONGEST_SECONDS:
        parser.error(f"--seconds is between 1 and {LONGEST_SECONDS}")
    sys.stdout.write(f"seed: {options.seed}\n")
    sys.stdout.flush()
    found = run(seed=options.seed, seconds=options.seconds, has_greedy=not options.no_greedy)
    sys.stdout.write("\n".join([*found.lines, *(f"BROKEN {each}" for each in found.broken), ""]))
    return int(bool(found.broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
