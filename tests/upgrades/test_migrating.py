"""Migrations that meet a session holding their table, or remains of an earlier try."""

import itertools
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, migrations, models
from typing_extensions import override

from generation.management import seeding
from pictor.management import holders, migrating
from pictor.management.holders import first_words
from pictor.management.migrating import Executor
from tests.stack.stack_processes import until

READ = "SELECT count(*) FROM accounts_mail WHERE contents = 'A secret'"
SHOWN = "SELECT count(*) FROM accounts_mail WHERE contents ="


class Widen(migrations.Migration):
    operations = [
        migrations.RunSQL(
            "CREATE TABLE left_over (id int); ALTER TABLE accounts_mail ADD COLUMN wide int",
            "DROP TABLE left_over; ALTER TABLE accounts_mail DROP COLUMN wide",
        )
    ]


class Index(migrations.Migration):
    atomic = False
    operations = [AddIndexConcurrently("mail", models.Index(fields=["error"], name="by_error"))]


@pytest.fixture
def executor(transactional_db: None) -> Iterator[Executor]:
    yield Executor(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP INDEX IF EXISTS by_error; DROP TABLE IF EXISTS left_over;"
            " ALTER TABLE accounts_mail DROP COLUMN IF EXISTS wide;"
            " DELETE FROM django_migrations WHERE name = 'tried'"
        )


@pytest.fixture
def reader(executor: Executor) -> Iterator["psycopg.Connection[Any]"]:
    """A session in an open transaction that has read the table."""
    with psycopg.connect(**connection.get_connection_params()) as reading:
        reading.execute("SET idle_in_transaction_session_timeout = 0")
        reading.execute(READ)
        yield reading


def apply(executor: Executor, kind: type[migrations.Migration]) -> None:
    executor.apply_migration(executor.loader.project_state(), kind("tried", "accounts"))


def on_line(said: str, do: Callable[[], None]) -> logging.Handler:
    """Call a function when the log has a matching line."""

    class Doing(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            if re.search(said, record.getMessage()):
                do()

    return Doing()


def ask(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def is_made() -> bool:
    """True if the index exists and is valid."""
    return bool(
        ask(
            "SELECT 1 FROM pg_index JOIN pg_class ON oid = indexrelid"
            " WHERE relname = 'by_error' AND indisvalid"
        )
    )


def is_recorded() -> bool:
    return bool(ask("SELECT 1 FROM django_migrations WHERE name = 'tried'"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses."""
    monkeypatch.setattr(migrating, "_pauses", lambda: itertools.repeat(0.0))


def test_the_pauses_grow_to_some_seconds():
    assert list(itertools.islice(migrating._pauses(), 5)) == [1, 2, 4, 5, 5]  # noqa: SLF001


def test_a_migration_is_tried_whole_until_its_table_is_free(executor, reader, quick, caplog):
    tries: list[str] = []

    def third_time() -> None:
        tries.append("")
        if len(tries) == 3:
            reader.rollback()

    handler = on_line("is tried again", third_time)
    migrating.logger.addHandler(handler)
    try:
        apply(executor, Widen)
    finally:
        migrating.logger.removeHandler(handler)

    assert len(tries) == 3
    assert ask("SELECT to_regclass('left_over') IS NOT NULL") == [(True,)]
    assert is_recorded()


def test_a_waiting_migration_names_the_session_without_literals(executor, reader, quick, caplog):
    pid = reader.info.backend_pid
    handler = on_line("is tried again", reader.rollback)
    migrating.logger.addHandler(handler)

    apply(executor, Widen)

    migrating.logger.removeHandler(handler)
    user = reader.info.user
    assert re.fullmatch(
        rf"accounts\.tried waits for pid {pid} of {user} since \d\d:\d\d:\d\d UTC:"
        rf" {re.escape(SHOWN)}: it is tried again in 0 s",
        caplog.messages[0],
    )
    assert "secret" not in caplog.text


def test_a_query_behind_a_migration_waits_half_a_second_at_most(
    executor, reader, quick, monkeypatch
):
    """The waiter behind it has a limit of 2 s, as requests do, and the reader stays."""
    monkeypatch.setattr(migrating, "PATIENCE_SECONDS", 0)
    answered: list[Any] = []

    def come_behind(parameters: dict[str, Any], pid: int) -> None:
        with psycopg.connect(**parameters, autocommit=True) as behind:
            while behind.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid]).fetchone() == (
                0,
            ):
                pass
            behind.execute("SET lock_timeout = 2000")
            answered.append(behind.execute("SELECT count(*) FROM accounts_mail").fetchone())

    connection.ensure_connection()
    arguments = (connection.get_connection_params(), connection.connection.info.backend_pid)
    behind = threading.Thread(target=come_behind, args=arguments)
    behind.start()

    with pytest.raises(CommandError):
        apply(executor, Widen)

    behind.join(10)
    assert answered == [(0,)]


def test_a_migration_gives_up_with_a_sentence_and_has_done_nothing(executor, reader, monkeypatch):
    monkeypatch.setattr(migrating, "PATIENCE_SECONDS", 0)

    with pytest.raises(CommandError) as given_up:
        apply(executor, Widen)

    assert str(given_up.value).startswith(
        "accounts.tried did not get its locks within 0 s and did nothing: it waits for"
        f" pid {reader.info.backend_pid} of "
    )
    assert ask("SELECT to_regclass('left_over') IS NULL") == [(True,)]
    assert not is_recorded()


def test_another_failure_is_not_tried_again(executor, caplog):
    class Wrong(migrations.Migration):
        operations = [migrations.RunSQL("SELECT 1/0")]

    with pytest.raises(Exception, match="division by zero"):
        apply(executor, Wrong)

    assert caplog.messages == []


def test_an_index_made_concurrently_waits_without_a_limit_and_says_for_whom(
    executor, reader, monkeypatch, caplog
):
    caplog.set_level(logging.INFO, holders.__name__)
    reader.execute("LOCK TABLE accounts_mail IN ROW EXCLUSIVE MODE")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 100; SET statement_timeout = 100")
    monkeypatch.setattr(holders, "SAY_SECONDS", 0.2)
    handler = on_line("waits for pid", reader.rollback)
    holders.logger.addHandler(handler)

    apply(executor, Index)

    holders.logger.removeHandler(handler)
    # earlier messages may not name a wait
    said = next(message for message in caplog.messages if "waits for pid" in message)
    assert said.startswith(
        "accounts.tried goes on: waiting for writers before build, 0 of 0 blocks; waits for pid"
        f" {reader.info.backend_pid} of "
    )
    assert ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_error'::regclass") == [
        (True,)
    ]
    assert is_recorded()


@pytest.mark.parametrize("is_valid", [True, False])
def test_an_index_that_an_earlier_try_left_is_made_again(executor, caplog, is_valid):
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX by_error ON accounts_mail (attempts)")
        cursor.execute(
            "UPDATE pg_index SET indisvalid = %s WHERE indexrelid = 'by_error'::regclass",
            [is_valid],
        )

    apply(executor, Index)

    assert ask(
        "SELECT indisvalid, pg_get_indexdef(indexrelid, 1, true) FROM pg_index"
        " WHERE indexrelid = 'by_error'::regclass"
    ) == [(True, "error")]
    assert caplog.messages == ["accounts.tried drops the index by_error of an earlier try"]


def test_an_index_is_made_concurrently_while_another_seeding_waits_for_its_turn(executor):
    seeded: list[bool] = []

    def seed() -> None:
        with closing(connection), seeding.alone():
            seeded.append(is_made())

    with seeding.alone():
        another = threading.Thread(target=seed)
        another.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_%_advisory_lock(%'"
        until(lambda: len(ask(f"{waiting} AND pid <> pg_backend_pid()")) == 1)
        apply(executor, Index)
        assert seeded == []
    another.join(10)

    assert seeded == [True]


def test_a_migration_that_is_taken_back_is_tried_again_too(executor, reader, quick):
    reader.rollback()
    apply(executor, Widen)
    reader.execute(READ)
    handler = on_line("is tried again", reader.rollback)
    migrating.logger.addHandler(handler)

    executor.unapply_migration(executor.loader.project_state(), Widen("tried", "accounts"))

    migrating.logger.removeHandler(handler)
    assert ask("SELECT to_regclass('left_over') IS NULL") == [(True,)]
    assert not is_recorded()


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("INSERT INTO a (b) VALUES ('a secret')", "INSERT INTO a (b) VALUES ("),
        ("SELECT a FROM b WHERE c = 12", "SELECT a FROM b WHERE c ="),
        ("SELECT $$a secret$$", "SELECT"),
        ("SELECT a1\n  FROM b2", "SELECT a1 FROM b2"),
        ("1 2 3 4", ""),
        ("a b c d e f g h i j", "a b c d e f g h"),
        (None, "(not shown to this role)"),
    ],
)
def test_a_statement_is_shown_up_to_its_first_literal(query, shown):
    assert first_words(query) == shown


def applied() -> set[tuple[str, str]]:
    return set(ask("SELECT app, name FROM django_migrations"))


def test_nothing_is_undone_unless_it_is_said_and_what_would_be_lost_is(db):
    before = applied()

    with pytest.raises(CommandError) as refused:
        call_command("migrate", "generation", "0026", verbosity=0)

    said = str(refused.value)
    assert said.startswith("This would undo generation.")
    assert "generation.0027_cost_tables" in said
    assert "the table generation_costtable" in said
    assert "the column cost_source of generation_attempt" in said
    assert said.endswith("To undo them anyway: --undo.")
    assert applied() == before


def test_an_undo_unapplies_the_later_migrations(transactional_db):
    before = applied()

    call_command("migrate", "generation", "0042", "--undo", "--fake", verbosity=0)
    left = applied()
    call_command("migrate", "generation", "--fake", verbosity=0)

    assert before - left == {
        ("generation", "0062_workers_that_sign"),
        ("generation", "0043_alerts"),
        ("generation", "0044_lines_keyed_by_vendors_words"),
        ("generation", "0045_decided_lines"),
        ("generation", "0046_codes_of_alert_tests"),
        ("generation", "0047_failures_counted"),
        ("generation", "0048_failures_of_before"),
        ("generation", "0049_usage_by_tag"),
        ("generation", "0050_contracts_as_files"),
        ("generation", "0051_costs_by_pixels"),
        ("generation", "0052_rules_of_sizes"),
        ("generation", "0053_channel_settings"),
        ("generation", "0054_revision_settings"),
        ("generation", "0055_jobs_of_attempts"),
        ("generation", "0056_attempts_with_jobs"),
        ("generation", "0057_queue_seconds"),
        ("generation", "0058_words_of_channel_events"),
        ("generation", "0059_open_breakers"),
        ("generation", "0060_field_maps"),
        ("generation", "0061_content_credentials"),
    }
    assert applied() == before
