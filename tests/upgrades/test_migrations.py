"""A database of an earlier release becomes today's: its schema, its rows, its proof."""

import lzma
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.models import Mail
from tests.stack.databases import another_database
from tests.upgrades.dumps import dump_of, manage, restore, schema_of

KEPT = Path(__file__).with_name("database_of_2026_11_25.sql.xz")
"""The dump of a `make run` of 5465276, with three delivered generations and a failed one.

The commit is the last one with every migration since the first; before an upgrade from an older one
its own `migrate` is run. pg_dump wrote the file, with `--no-owner --no-privileges`.
"""

FORGET_SQUASHED = (
    "DELETE FROM django_migrations WHERE app = 'generation' AND name LIKE '%squashed%'"
)
"""Makes the squashed steps count one by one, as in an older database."""
LATER = """
ALTER TABLE accounts_tenant ADD COLUMN later integer;
CREATE TABLE billing_later (id integer);
INSERT INTO django_migrations (app, name, applied) VALUES
('accounts', '0099_later', now()), ('billing', '0099_later', now());
"""
"""Changes that migrations of the next release may have made."""
MEANWHILE = """
INSERT INTO accounts_mail (id, "to", subject, text, html, attempts, error)
VALUES ('01a21431-6fff-76d9-b5fe-8d8c17ba681e', 'ann@example.com', 'Code: 1', 'It is 1', '', 0, '');
INSERT INTO django_session VALUES ('r61tn6cfx7vrt7bpuek7yr4e0vfnu590', 'e30', now() + '1 hour');
"""
"""A mail that waits, and a signed-in user."""


@pytest.fixture(scope="module")
def kept(django_db_setup: None) -> Iterator[dict[str, Any]]:
    """The kept database, brought up to date; for tests that change nothing."""
    with another_database("kept") as made:
        restore(made, lzma.decompress(KEPT.read_bytes()))
        restore(made, MEANWHILE.encode())
        manage("migrate", "-v0", database=made)
        yield made


def test_a_database_of_an_earlier_release_ends_as_a_new_one_with_its_rows_proved(kept):
    new = connection.get_connection_params()
    with psycopg.connect(**kept) as rows:  # of Django's admin, which the release before still has
        rows.execute("DROP TABLE django_admin_log")

    assert schema_of(kept) == schema_of(new)
    assert "[ ]" not in manage("showmigrations", "--plan", database=kept)
    assert "the ledger is right" in manage("ledger_check", database=kept)
    with psycopg.connect(**kept) as rows:
        found = rows.execute("SELECT state, captured_micros FROM generation_generation ORDER BY id")
        assert found.fetchall() == [
            ("succeeded", 5_880), ("failed", 0), ("succeeded", 40_000), ("succeeded", 5_880),
        ]  # fmt: skip
        sessions = rows.execute("SELECT count(*) FROM django_session").fetchone()
        mails = rows.execute("SELECT contents FROM accounts_mail ORDER BY id DESC LIMIT 1")
        ((contents,),) = mails.fetchall()
        assert (sessions, Mail(contents=contents).text) == ((0,), "It is 1")


def test_a_database_older_than_that_is_refused_with_a_line_that_names_the_way(django_db_setup):
    with another_database("older") as made:
        restore(made, lzma.decompress(KEPT.read_bytes()))
        restore(made, FORGET_SQUASHED.encode())
        before = dump_of(made)

        with pytest.raises(subprocess.CalledProcessError) as refused:
            manage("migrate", database=made)

        assert dump_of(made) == before
    assert refused.value.returncode == 1
    assert refused.value.stderr.startswith(
        "CommandError: This database is older than 0.1.0 (commit 5465276): it has tables of"
        " generation, but not all from 0001_squashed_0021_fewer_indexes. Nothing was changed."
        " Migrate it with the `migrate` of 0.1.0 (commit 5465276) first, then with this one."
    )


def test_the_next_releases_schema_needs_no_migration_and_passes_the_proof(kept):
    """The way back: the previous release is started again, and its `migrate` with it."""
    with another_database("later", like=kept) as made:
        restore(made, LATER.encode())
        before = dump_of(made)

        said = manage("migrate", database=made)

        assert dump_of(made) == before
        assert "the ledger is right" in manage("ledger_check", database=made)
    assert "No migrations to apply." in said
