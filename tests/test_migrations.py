"""Both ways to today's schema: the squashed migrations, and the steps they replace."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.databases import another_database, run_tool

ROOT = Path(__file__).resolve().parents[1]
STEPS_ALONE = """
import django
from django.core.management import call_command
from django.db.migrations import executor
from django.db.migrations.loader import MigrationLoader

class StepsAlone(MigrationLoader):
    def load_disk(self):
        super().load_disk()
        for key, migration in list(self.disk_migrations.items()):
            if migration.replaces:
                del self.disk_migrations[key]

django.setup()
executor.MigrationLoader = StepsAlone
for target in {targets!r}:
    call_command("migrate", *target, verbosity=0)
"""
"""`manage.py migrate` as it was before there was anything squashed."""
OLDER = [
    ("accounts", "0012"),
    ("billing", "0008"),
    ("generation", "0016"),
    ("storage", "0004"),
    ("webhooks", "0001"),
]


def python(*arguments: str, database: dict[str, Any]) -> str:
    """What our own code prints, with another database than ours."""
    account = f"{database['user']}:{quote(str(database['password']), safe='')}"
    place = f"{database['host']}:{database['port']}/{database['dbname']}"
    kept = {name: text for name, text in os.environ.items() if not name.startswith("MIGRATION_")}
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, *arguments],
        cwd=ROOT,
        env={
            **kept,
            "DATABASE_URL": f"postgresql://{account}@{place}",
            "DJANGO_SETTINGS_MODULE": "pictor.settings",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        },
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    ).stdout


def schema_of(database: dict[str, Any]) -> list[str]:
    """Every statement that makes it; without pg_dump's one-time tokens."""
    dump = run_tool("pg_dump", "--schema-only", "--no-owner", "--no-privileges", of=database)
    return [line for line in dump.decode().splitlines() if not line.startswith("\\")]


@pytest.fixture
def old(django_db_setup: None) -> Iterator[dict[str, Any]]:
    """A database in the middle of the steps."""
    with another_database("old") as made:
        python("-c", STEPS_ALONE.format(targets=OLDER), database=made)
        yield made


@pytest.fixture(scope="module")
def new(django_db_setup: None) -> Iterator[dict[str, Any]]:
    """A new installation's."""
    with another_database("new") as made:
        python("manage.py", "migrate", "-v0", database=made)
        yield made


def test_a_database_that_came_by_steps_ends_as_a_new_one(old, new):
    said = python("manage.py", "migrate", "--no-color", database=old)

    assert "Applying accounts.0013_erased_by_worker... OK" in said
    assert schema_of(old) == schema_of(new)
    assert "[ ]" not in python("manage.py", "showmigrations", "--plan", database=old)


def test_where_every_step_was_made_nothing_is_made_again(new):
    with psycopg.connect(**new) as connection:
        connection.execute("DELETE FROM django_migrations WHERE name LIKE '0001_squashed_%'")

    said = python("manage.py", "migrate", "--no-color", database=new)

    assert "No migrations to apply." in said
