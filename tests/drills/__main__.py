"""The drills of `make drills`: failures that production survives, on servers of their own.

    python -m tests.drills [NAME …]

Each drill puts requests through nginx, without retries, on two web processes, two image workers and
two short-work workers, does something to them or to their servers, and counts answers, upstream
calls, stored images and the findings of `ledger_check`. Exit status 1 if a bar was missed.
Everything started is ended and removed, also after Ctrl-C.
"""

import argparse
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pictor.embedded.process import raise_file_limit
from tests.drills import databases, kills, storage, versions
from tests.drills.ground import Ground, fresh_ground
from tests.drills.report import Result, markdown

DRILLS: Mapping[str, Callable[[Ground], Result]] = {
    "worker": kills.worker,
    "redis": kills.redis,
    "postgres": kills.postgres,
    **storage.AWAY,
    "s3-own-ca": storage.own_ca,
    "rolling": versions.rolling,
    "failover": databases.failover,
    "pooler-transaction": databases.pooler_transaction,
    "pooler-session": databases.pooler_session,
    "migration": databases.migration,
    "versions": versions.versions,
    "restore": databases.restore,
}
PROGRAMS = ("nginx", "pgbouncer")
"""Debian's packages have the same names."""


def main(argv: Sequence[str]) -> int:
    """Run the named drills, or all; return the exit status."""
    options = _read(argv)
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        sys.stderr.write(f"Missing for the drills: apt-get install {' '.join(missing)}\n")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # then too, everything is removed
    raise_file_limit()
    results, missed = [], []
    began = time.monotonic()
    with fresh_ground() as ground:
        for name in options.names or DRILLS:
            try:
                result = DRILLS[name](ground)
            except Exception:  # noqa: BLE001 - the other drills are done all the same
                missed.append(f"{name} was not done")
                traceback.print_exc()
                continue
            _say(result)
            results.append(result)
            missed += [f"{name}: {bar}" for bar in result.broken]
    table = markdown(results)
    took = f"{len(results)} drills in {(time.monotonic() - began) / 60:.0f} minutes"
    sys.stdout.write("\n".join(["", table, took, *(f"MISSED {bar}" for bar in missed), ""]))
    if options.write:
        Path(options.write).write_text(table, encoding="utf-8")
    return int(bool(missed))


def _say(result: Result) -> None:
    cells = " | ".join(result.cells()[2:])
    lines = [f"{result.name} ({result.took_seconds:.0f} s): {cells}"]
    lines += [f"MISSED {bar}" for bar in result.broken]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


def _read(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.drills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="NAME is one of: " + ", ".join(DRILLS),
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--write", metavar="FILE", help="the table, as Markdown")
    options = parser.parse_args(argv)
    if strange := [name for name in options.names if name not in DRILLS]:
        parser.error(f"there is no drill {strange[0]}")
    return options


if __name__ == "__main__":
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("stopped, and all is removed")
    sys.exit(status)
