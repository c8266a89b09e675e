"""Check at start that a connection keeps its backend and settings, which every process needs.

A pooler in transaction mode gives a connection another backend for each transaction. Limits,
advisory locks and prepared statements then belong to another client, often without any error.
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
"""Timeout of a query: a backend of our own answers at once, a pooler's queue may be long."""

_LIMIT = re.compile(r"-c\s*(\w+_timeout)=(?!0\b)")


def make_sure() -> None:
    """End this process, with a log line, if PostgreSQL does not keep backend and settings.

    If the database is away, return at once and let a thread check as soon as it is back.
    """
    parameters = connection.get_connection_params()
    if not _has_made_sure(parameters):
        threading.Thread(
            target=_as_soon_as_possible, args=(parameters,), name="sessions", daemon=True
        ).start()


def what_is_not_kept(parameters: dict[str, Any]) -> str | None:
    """Return a sentence about the fault, if any. Raises psycopg.Error if the database is away."""
    with (
        psycopg.connect(**parameters, autocommit=True) as first,
        psycopg.connect(**parameters) as another,
    ):
        before = _ask(first, "SELECT pg_backend_pid()")
        # Without other traffic, a pooler hands out the backend that was just returned to it.
        if _ask(another, "BEGIN; SELECT pg_backend_pid()") is None:
            return "a second connection had no answer within 2 s: is a pooler's pool too small?"
        if before is None or _ask(first, "SELECT pg_backend_pid()") != before:
            return (
                "a connection does not keep its backend: is a pooler in transaction mode in"
                " between?"
            )
        # The timeouts that our options set (settings.py or DATABASE_URL).
        limits = _LIMIT.findall(str(parameters.get("options", "")))
        if off := [name for name in limits if _ask(first, f"SHOW {name}") == "0"]:
            return f"{', '.join(off)} is not in force: does a pooler drop it? Set it on the role"
    return None


def _ask(connection: "psycopg.Connection[Any]", statement: str) -> str | None:
    """Return the answer's last value, or None if it takes longer than ANSWER_MILLISECONDS."""
    connection.pgconn.send_query(statement.encode())
    answer = select.poll()
    answer.register(connection.pgconn.socket, select.POLLIN)
    if not answer.poll(ANSWER_MILLISECONDS):
        connection.pgconn.finish()
        return None
    value = None
    while result := connection.pgconn.get_result():
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
