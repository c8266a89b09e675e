"""What all migrations make is written down: the tables, and the rules that protect the ledger."""

import os
from typing import Any

import psycopg
import pytest

from billing.selectors.office.protection import EXPECTED
from pictor.management.new_schema import SCHEMA, as_new
from tests.stack.databases import another_database, run_tool
from tests.upgrades.dumps import manage, schema_of


@pytest.fixture(scope="module")
def migrated(django_db_setup: None) -> Any:
    with another_database("migrated") as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PICTOR_EMBEDDED_PARTS", "")
        manage("migrate", "-v0", database=made)
        yield made


def test_the_files_are_what_the_migrations_make(migrated):
    dump = run_tool(
        "pg_dump", "--no-owner", "--no-privileges", "--no-comments", "--inserts",
        "--rows-per-insert=200", of=migrated,
    )  # fmt: skip
    files = {
        SCHEMA: as_new(dump.decode()),
        EXPECTED: manage("ledger_check", "--protections", database=migrated),
    }
    for file, text in files.items():
        if os.environ.get("PICTOR_WRITE_SCHEMA"):
            file.write_text(text)

        assert text == file.read_text(), "run `make schema` and commit what comes out"


def test_an_empty_embedded_database_gets_it_and_needs_no_migration(migrated, monkeypatch):
    monkeypatch.setenv("PICTOR_EMBEDDED_PARTS", "postgres")
    with another_database("loaded") as made:
        manage("migrate", "-v0", database=made)

        assert schema_of(made) == schema_of(migrated)
        assert "[ ]" not in manage("showmigrations", "--plan", database=made)
        assert "the ledger is right" in manage("ledger_check", database=made)
        with psycopg.connect(**made) as rows:
            assert rows.execute("SHOW search_path").fetchone() == ('"$user", public',)
