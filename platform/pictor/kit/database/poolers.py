"""A look at whether PostgreSQL keeps what a connection was told: a process cannot do without.

A pooler in transaction mode gives a connection another backend for each transaction. Then limits,
advisory locks and prepared statements are somebody else's, and no statement need fail to show it.
"""

import logging
import re
import select
import threading
from typing import Any

import psycopg
from django.db import connection

from pictor.kit.running import vital

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
ANSWER_MILLISECONDS = 2_000
"""A backend of one's own answers at once; a pooler's queue may be long."""

_LIMIT = re.compile(r"-c\s*(\w+_timeout)=(?!0\b)")


def make_sure() -> None:
    """End this process with a line where PostgreSQL does not keep what it is told.

    While the database is away it returns, and a thread makes sure as soon as it is there.
    """
    parameters = connection.get_connection_params()
    if not _has_made_sure(parameters):
        threading.Thread(
            target=_as_soon_as_possible, args=(parameters,), name="sessions", daemon=True
        ).start()


def what_is_not_kept(parameters: dict[str, Any]) -> str | None:
    """A sentence about what is wrong. Raises psycopg.Error while the database is away."""
    with (
        psycopg.connect(**parameters, autocommit=True) as ours,
        psycopg.connect(**parameters) as another,
    ):
        before = _ask(ours, "SELECT pg_backend_pid()")
        # While nobody else asks, a pooler hands back the backend that it has just been given.
        if _ask(another, "BEGIN; SELECT pg_backend_pid()") is None:
            return "a second connection had no answer within 2 s: is a pooler's pool too small?"
        if before is None or _ask(ours, "SELECT pg_backend_pid()") != before:
            return "a connection does not keep its backend: is there a pooler in transaction mode?"
        if off := [name for name in _limits(parameters) if _ask(ours, f"SHOW {name}") == "0"]:
            return f"{', '.join(off)} is not in force: a pooler drops it? Set it on the role"
    return None


def _limits(parameters: dict[str, Any]) -> list[str]:
    """Those that our options ask for: settings.py's, or what DATABASE_URL has instead."""
    return _LIMIT.findall(str(parameters.get("options", "")))


def _ask(asked: "psycopg.Connection[Any]", statement: str) -> str | None:
    """The last value that is answered; None where that takes too long."""
    asked.pgconn.send_query(statement.encode())
    answer = select.poll()
    answer.register(asked.pgconn.socket, select.POLLIN)
    if not answer.poll(ANSWER_MILLISECONDS):
        asked.pgconn.finish()
        return None
    value = None
    while result := asked.pgconn.get_result():
        if result.error_message:
            raise psycopg.OperationalError(result.error_message.decode())
        value = result.get_value(0, 0) if result.ntuples else value
    return value.decode() if value is not None else None


def _has_made_sure(parameters: dict[str, Any]) -> bool:
    try:
        wrong = what_is_not_kept(parameters)
    except psycopg.Error:
        return False
    if wrong:
        vital.end_process(f"{wrong}; see docs/operations/database.md")
    return True


def _as_soon_as_possible(parameters: dict[str, Any]) -> None:
    pause = threading.Event()
    while not _has_made_sure(parameters):
        pause.wait(AGAIN_SECONDS)
