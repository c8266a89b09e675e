"""`make bench BASE=<commit>`: the cost of a request here beside its cost at a commit.

    python -m tests.bench.compare BASE [--rounds N] [--requests N] [--user NAME]

Two stacks stand side by side: one runs this tree as it is, one the files of BASE, taken out of git
into a temporary folder, with the dependencies that BASE locks. They get the same load by turns, so
that a busy machine disturbs both alike; each figure is the median of its rounds. One more load
follows, whose statements PostgreSQL logs, to be counted. Exit status 1 when an answer was not 200
or `ledger_check` finds something.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import psycopg
import redis

from tests.bench import report
from tests.bench.ground import Ground, Measured, fresh_ground
from tests.bench.meter import GROUPS
from tests.stack.servers import ROOT, Stack

ROUNDS = 3
REQUESTS = 300
CONCURRENCY = 16
ALONE = 50
"""Requests that are sent one after the other, to count their statements."""
OURS = ("web", "worker", "short", "postgres", "broker")
"""Groups in the sum: the S3 server is only for trying things out, the sandbox no part of Pictor."""
NOW = "now"
LOGGED = (b"LOG:  statement:", b"LOG:  execute ")
_LOG_ALL = "ALTER ROLE pictor_processes SET log_statement = 'all'"
_CONNECT_AGAIN = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pictor_processes'"
)


def main(argv: Sequence[str]) -> int:
    """Measure both; return the exit status."""
    options = _read(argv)
    with contextlib.ExitStack() as stacks:
        files = stacks.enter_context(files_of(options.base))
        base = stacks.enter_context(fresh_ground(files))
        sides = {options.base: base, NOW: stacks.enter_context(fresh_ground())}
        for ground in sides.values():
            ground.warm_up()
        rounds = _by_turns(sides, options)
        asked = {name: _asked(ground, options.requests) for name, ground in sides.items()}
        failures = [
            f"{name}: {failure}"
            for name, measured in rounds.items()
            for one in measured
            for failure in report.failures_of(one, requests=options.requests)
        ]
        for name, ground in sides.items():
            if finding := ground.ledger_finding():
                failures.append(f"{name}: ledger_check: {finding}")
    title = f"{options.rounds} rounds by turns, {options.requests} requests of 1024x1024 by url"
    lines = [f"== {title}, {CONCURRENCY} at a time", "", *_table(rounds, asked)]
    lines += [f"FAILED: {failure}" for failure in failures]
    sys.stdout.write("\n".join([*lines, ""]))
    return int(bool(failures))


def _by_turns(sides: dict[str, Ground], options: argparse.Namespace) -> dict[str, list[Measured]]:
    """Send as many loads as `rounds` to each side, changing the order from round to round."""
    found: dict[str, list[Measured]] = {name: [] for name in sides}
    named = {"user": options.user} if options.user else {}
    for number in range(options.rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            body = {"prompt": f"Boat {{number}} of round {number}", "response_format": "url"}
            measured = sides[name].watched(
                requests=options.requests, concurrency=CONCURRENCY, body=body | named
            )
            found[name].append(measured)
    return found


def _asked(ground: Ground, requests: int) -> dict[str, float]:
    """Statements and broker commands a request, those run by the clock included.

    Logging is turned on for the processes' role, whose connections are cut so that they reconnect
    with it; answers are not checked.
    """

    def load(count: int = requests, at_once: int = CONCURRENCY) -> None:
        body: dict[str, object] = {"prompt": "Boat {number}", "response_format": "url"}
        ground.send(requests=count, concurrency=at_once, body=body)

    stack = ground.stack
    with psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
        owner.execute(_LOG_ALL)
        owner.execute(_CONNECT_AGAIN)
    load()
    before = _counted(stack)
    load()
    after = _counted(stack)
    load(ALONE, 1)
    alone = _counted(stack)
    found = {what: (after[what] - before[what]) / requests for what in after}
    ones = (alone["statements"] - after["statements"]) / ALONE
    return {**found, "statements, alone": ones}


def _counted(stack: Stack) -> dict[str, int]:
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as broker:
        commands = broker.info("stats")["total_commands_processed"]
    log = (stack.run_dir / "log" / "postgres.log").read_bytes()
    statements = sum(log.count(begin) for begin in LOGGED)
    return {"statements": statements, "broker commands": commands}


def _table(rounds: dict[str, list[Measured]], asked: dict[str, dict[str, float]]) -> Iterator[str]:
    """A line for each group: CPU of each side and their ratio, switches, idle memory."""
    kinds: dict[str, Callable[[Measured], dict[str, float]]] = {
        "CPU ms/request": report.cpu_ms,
        "switches/request": report.switches,
        "idle MB": lambda measured: report.in_units(measured.idle_bytes, report.MB),
    }
    names = list(rounds)
    width = 2 + max(map(len, (*names, "000.00")))
    label = 2 + max(map(len, (*GROUPS, "statements, alone", "ours")))
    cells = [f"{name:>{width}}" for name in (*names, "ratio")]
    yield " " * label + " |".join(f"{kind:>{3 * width}}" for kind in kinds)
    yield " " * label + " |".join(["".join(cells)] * len(kinds))
    for group in (*GROUPS, "ours"):
        found = [
            [median(_of(group, figures(one)) for one in rounds[name]) for name in names]
            for figures in kinds.values()
        ]
        yield f"{group:<{label}}" + " |".join(_cells(pair, width) for pair in found)
    yield ""
    for what in asked[NOW]:
        pair = [asked[name][what] for name in names]
        yield f"{what:<{label}}{_cells(pair, width)}  a request"
    yield ""
    for name, measured in rounds.items():
        each = " ".join(f"{_of('ours', report.cpu_ms(one)):.1f}" for one in measured)
        yield f"{name}: {each} CPU ms/request of ours, round by round"


def _of(group: str, figures: dict[str, float]) -> float:
    return sum(figures[name] for name in OURS) if group == "ours" else figures[group]


def _cells(pair: Sequence[float], width: int) -> str:
    base, now = pair
    ratio = f"{now / base:.2f}" if base else "-"
    return f"{base:>{width}.2f}{now:>{width}.2f}{ratio:>{width}}"


@contextlib.contextmanager
def files_of(commit: str) -> Iterator[Path]:
    """Files of a commit with an environment of its own lock; PostgreSQL's account may enter."""
    archive = subprocess.run(  # noqa: S603 - checked by git
        ["git", "archive", "--format=tar", "--end-of-options", commit],  # noqa: S607 - as make's
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    with tempfile.TemporaryDirectory(prefix="pictor-base-") as folder:
        Path(folder).chmod(0o755)
        # `tarfile` has its safe filter since 3.11.4, and Debian 12 has Python 3.11.2.
        subprocess.run(["tar", "-xf", "-"], cwd=folder, input=archive, check=True)  # noqa: S607 - as git
        subprocess.run(["make", "venv"], cwd=folder, stdout=subprocess.DEVNULL, check=True)  # noqa: S607 - as git
        yield Path(folder)


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.compare", description=__doc__)
    parser.add_argument("base", metavar="BASE", help="a commit")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N")
    parser.add_argument("--user", metavar="NAME", help="the end customer that each body names")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
