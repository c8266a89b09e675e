"""PostgreSQL's statements and their time, read from its log."""

import math
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.stack.servers import Stack

_LINE = re.compile(rb"LOG:  duration: ([0-9.]+) ms  (statement|parse|bind|execute)")
_CONNECT_AGAIN = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pictor_processes'"
)
PATIENCE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A number of statements, and their milliseconds together."""

    number: int
    ms: float


UNKNOWN = Asked(sys.maxsize, math.inf)
"""What was asked while the log was emptied: too much to be the least."""


class Statements:
    """The log, read from mark to mark; it includes every process's statements."""

    def __init__(self, log: Path, connection: "psycopg.Connection[Any]") -> None:
        self._log = log
        self._connection = connection
        self._marks = count(1)
        self._read = 0

    @classmethod
    @contextmanager
    def of(cls, stack: Stack) -> Iterator[Self]:
        """Log every statement that the processes send from now on, over new connections."""
        with psycopg.connect(stack.env["MIGRATION_DATABASE_URL"], autocommit=True) as owner:
            owner.execute("ALTER ROLE pictor_processes SET log_min_duration_statement = 0")
            owner.execute(_CONNECT_AGAIN)
        with psycopg.connect(stack.env["DATABASE_URL"], autocommit=True) as connection:
            found = cls(stack.run_dir / "log" / "postgres.log", connection)
            found.since_last()
            yield found

    def since_last(self) -> Asked:
        """Statements since the last call."""
        mark = f"mark {next(self._marks)} of a benchmark"
        self._connection.execute(f"SELECT '{mark}'")
        if self._log.stat().st_size < self._read:  # it had grown, and was emptied
            self._read = 0
            self._until(mark.encode())
            return UNKNOWN
        text = self._until(mark.encode())
        found = [(float(ms), kind) for ms, kind in _LINE.findall(text)]
        return Asked(
            sum(kind in {b"statement", b"execute"} for _, kind in found),
            sum(ms for ms, _ in found),
        )

    def _until(self, mark: bytes) -> bytes:
        """The unread log up to the line with that mark, which is left out."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at:
            with self._log.open("rb") as file:
                file.seek(self._read)
                text = file.read()
            before, found, after = text.partition(mark)
            if found:
                self._read += len(text) - len(after)
                return before[: before.rfind(b"\n") + 1]
            time.sleep(0.01)  # another process writes the log, without notice
        raise RuntimeError("PostgreSQL did not log a statement that it was asked")
