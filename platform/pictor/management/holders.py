"""Transactions that block a connection, seen from another one while it waits."""

import logging
import re
import threading
from types import TracebackType
from typing import Any, NamedTuple

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from typing_extensions import override

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
SAY_SECONDS = 10.0
SHOWN_WORDS = 8

_HOLDERS = """
SELECT pid, usename, to_char(xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS'), query
  FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids(%s)) ORDER BY xact_start
"""
_PROGRESS = """
SELECT phase, blocks_done, blocks_total FROM pg_stat_progress_create_index WHERE pid = %s
"""
_LITERAL = re.compile(r"'|\$|\b\d")
"""Beginning of a literal. A statement is shown only up to the first: prompts are literals."""


class Holder(NamedTuple):
    """A transaction with a lock. PostgreSQL shows its query to its own role and to monitors."""

    pid: int
    role: str | None
    since: str | None
    query: str | None

    @override
    def __str__(self) -> str:
        since = f" since {self.since} UTC" if self.since else ""
        return f"pid {self.pid} of {self.role}{since}: {first_words(self.query)}"


class Watch:
    """Watches a Django connection during the block, with its own thread and connection.

    Args:
        connection: the connection, which may wait for locks or build an index.
        says: if given, the beginning of a log line that is written every SAY_SECONDS.
    """

    def __init__(self, connection: BaseDatabaseWrapper, *, says: str = "") -> None:
        self._connection = connection
        self._says = says
        self._is_over = threading.Event()
        self._holders: list[Holder] = []

    @property
    def holders(self) -> str:
        """The transactions it waited for at the last look that found any."""
        return "; ".join(map(str, self._holders)) or "somebody who was gone before a look"

    def __enter__(self) -> "Watch":
        self._connection.ensure_connection()
        pid = self._connection.connection.info.backend_pid
        parameters = self._connection.get_connection_params()
        self._thread = threading.Thread(
            target=self._look, args=(pid, parameters), name="holders", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self, pid: int, parameters: dict[str, Any]) -> None:
        every = SAY_SECONDS if self._says else LOOK_SECONDS
        if self._is_over.wait(every):
            return  # most migrations end before the first look and need no connection
        try:
            with psycopg.connect(**parameters, autocommit=True) as looking:
                self._look_once(looking, pid)
                while not self._is_over.wait(every):
                    self._look_once(looking, pid)
        except psycopg.Error:
            return  # the migration meets the same error and reports it

    def _look_once(self, looking: "psycopg.Connection[Any]", pid: int) -> None:
        if holders := [Holder(*row) for row in looking.execute(_HOLDERS, [pid]).fetchall()]:
            self._holders = holders
        if not self._says:
            return
        progress = looking.execute(_PROGRESS, [pid]).fetchone()
        words = ["{}, {} of {} blocks".format(*progress)] if progress else []
        if holders:
            words.append(f"waits for {'; '.join(map(str, holders))}")
        logger.info("%s: %s", self._says, "; ".join(words) or "no index is being built")


def first_words(query: str | None) -> str:
    """Return the first words of a statement, up to its first literal."""
    if query is None:
        return "(not shown to this role)"
    return " ".join(_LITERAL.split(query, maxsplit=1)[0].split()[:SHOWN_WORDS])
