# ruff: noqa: S608 - the names of tables are the database's own
"""The tests' own database emptied, databases beside it, and the embedded server's tools."""

import importlib.util
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker

from pictor.embedded.postgres_place import PACKAGE

T = TypeVar("T")

MADE_BY_MIGRATIONS = {
    "django_migrations": "FALSE",
    "django_content_type": "FALSE",
    "auth_permission": "FALSE",
    "accounts_configrevision": "FALSE",
    "billing_account": "tenant_id IS NOT NULL",
}
"""By table, the condition of rows that migrations did not make."""
NO_DELETE = {
    "accounts_auditevent", "accounts_auditlink", "billing_price", "billing_pricebook",
    "billing_pricebookwithdrawal", "billing_pricelistassignment", "billing_transfer",
    "generation_costtable",
}  # fmt: skip
"""Append-only or final tables, which may be truncated in a test database."""


def empty() -> None:
    """Delete everything but the rows that migrations make.

    Django's `flush` truncates every table, full or not, and makes permissions anew: 130 ms, not 20.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_full_tables())
        full = {name for (name,) in cursor.fetchall()}
        if final := full & NO_DELETE:
            cursor.execute(f"TRUNCATE {', '.join(sorted(final))} CASCADE")
        for name in full - NO_DELETE:
            cursor.execute(f"DELETE FROM {name} WHERE {MADE_BY_MIGRATIONS.get(name, 'TRUE')}")


@cache
def _full_tables() -> str:
    return " UNION ALL ".join(
        f"SELECT '{name}' WHERE EXISTS"
        f" (SELECT FROM {name} WHERE {MADE_BY_MIGRATIONS.get(name, 'TRUE')})"
        for name in connection.introspection.table_names()
    )


def written_once(blocker: DjangoDbBlocker, write: Callable[[], T]) -> Iterator[T]:
    """Write rows for all tests of a module, which are restored after each; yield what it returns.

    For fixtures of modules without transactional tests.
    """
    with blocker.unblock(), transaction.atomic():
        written = write()
        with blocker.block():
            yield written
        transaction.set_rollback(True)


@contextmanager
def another_database(
    ending: str, *, like: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Create a database named like the tests' with this ending; yield its connection parameters.

    It is empty, or a copy of `like`, to which no client may be connected.
    """
    here = connection.get_connection_params()
    where = {name: here[name] for name in ("host", "port", "user", "password")}
    name = f"{here['dbname']}_{ending}"
    template = "template1" if like is None else like["dbname"]
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as owner:
        owner.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield {**where, "dbname": name}
        finally:
            owner.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def connected_to(database: dict[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    """Let Django use that database as its own."""
    ours = connections[DEFAULT_DB_ALIAS]
    other = ours.copy()
    other.settings_dict["NAME"] = database["dbname"]
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield other
    finally:
        other.close()
        connections[DEFAULT_DB_ALIAS] = ours


def run_tool(tool: str, *arguments: str, of: dict[str, Any], given: bytes = b"") -> bytes:
    """Output of `pg_dump`, `psql` or the like for a database."""
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    tools = max(Path(spec.origin).parent.glob("pginstall*/bin"))
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    return subprocess.run(  # noqa: S603 - of the embedded server
        [tools / tool, *arguments],
        env={
            **os.environ,
            **{variable: str(of[name]) for name, variable in names.items()},
            "PGDATABASE": of["dbname"],
        },
        input=given,
        capture_output=True,
        check=True,
    ).stdout


def url_of(database: dict[str, Any]) -> str:
    account = f"{database['user']}:{quote(str(database['password']), safe='')}"
    return f"postgresql://{account}@{database['host']}:{database['port']}/{database['dbname']}"


def wait_for_a_blocked_session() -> None:
    """Until another session waits for a lock of ours."""
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            # Not pg_stat_activity: it never changes within a transaction.
            cursor.execute(
                "SELECT count(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nothing waits")
