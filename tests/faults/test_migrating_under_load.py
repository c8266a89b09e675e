"""Requests go on while a migration waits for a reader of its table."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.stack.running import MakeCustomer
from tests.stack.servers import ROOT, Stack

CALLERS = 4
BETWEEN_SECONDS = 0.25
"""Pause between an answer and the same caller's next request."""
TRIES = 4
"""Number of tries that fit into ten seconds."""
TABLE = "billing_tenantbalance"

MIGRATE = f"""
import sys, django
django.setup()
from django.db import connection, migrations
from pictor.kit.database.roles import as_owner
from pictor.management.migrating import Executor

class Widened(migrations.Migration):
    operations = [migrations.RunSQL(
        "ALTER TABLE {TABLE} ADD COLUMN wide int", "ALTER TABLE {TABLE} DROP COLUMN wide"
    )]

with as_owner():
    executor = Executor(connection)
    do = executor.apply_migration if sys.argv[1] == "forwards" else executor.unapply_migration
    do(executor.loader.project_state(), Widened("widened", "billing"))
"""
"""A migration of a table that every request changes, run by the owner of the tables."""


def migrating(stack: Stack, direction: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", MIGRATE, direction],
        cwd=ROOT,
        env={
            **os.environ,
            **stack.env,
            "DJANGO_SETTINGS_MODULE": "pictor.settings",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        },
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def reader(stack: Stack) -> Iterator["psycopg.Connection[tuple[int]]"]:
    """A reader in an open transaction on the table, which is restored afterwards."""
    with psycopg.connect(stack.env["DATABASE_URL"]) as reading:
        reading.execute(f"SELECT count(*) FROM {TABLE}")  # noqa: S608 - a constant
        yield reading
    with migrating(stack, "back") as back:
        _, said = back.communicate(timeout=60)
    assert back.returncode == 0, said


def test_no_request_fails_while_a_migration_waits_for_a_reader(
    make_customer: MakeCustomer, stack: Stack, reader: "psycopg.Connection[tuple[int]]"
) -> None:
    customer = make_customer("500.00")
    statuses: Counter[int] = Counter()
    is_over = threading.Event()

    def call() -> None:
        while not is_over.wait(BETWEEN_SECONDS):
            statuses[customer.generate(quality="low").status_code] += 1

    with ThreadPoolExecutor(CALLERS) as callers, migrating(stack, "forwards") as migration:
        calls = [callers.submit(call) for _ in range(CALLERS)]
        try:
            assert migration.stderr is not None
            said = [migration.stderr.readline() for _ in range(TRIES)]
            reader.rollback()
            rest = migration.communicate(timeout=60)[1]
        finally:
            is_over.set()
            migration.kill()
    for made in calls:
        made.result()

    waits = f"billing.widened waits for pid {reader.info.backend_pid} of pictor"
    assert [waits in line for line in said] == [True] * TRIES, said
    assert migration.returncode == 0, rest
    assert list(statuses) == [200]
    assert statuses[200] >= TRIES * CALLERS
