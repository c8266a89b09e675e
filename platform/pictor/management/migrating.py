"""Migrations beside serving processes, which never wait long for a lock with requests behind them.

A statement that changes a table waits for earlier readers, and later readers wait for it. So a
migration waits for less time than requests do, rolls back, and tries again.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.core.management.base import CommandError
from django.db import OperationalError, transaction
from django.db.migrations import AddField, CreateModel, Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from typing_extensions import override

from pictor.management.holders import Watch

logger = logging.getLogger(__name__)

OLDEST = "0.1.0 (commit 5465276)"
"""The oldest release whose database can be migrated."""
LOCK_MILLISECONDS = 500
"""The wait for each lock. It is shorter than that of requests, 2 s (settings.py), and than the 1 s
after which PostgreSQL ends a deadlock at the cost of a victim of its choice."""
PATIENCE_SECONDS = 600
LONGEST_PAUSE_SECONDS = 5.0

T = TypeVar("T")


class Executor(MigrationExecutor):
    """Django's executor, with each migration as a transaction that is retried until it has locks.

    Migrations are undone only with `may_undo`.
    """

    def __init__(self, *args: Any, may_undo: bool = False) -> None:
        """Raise CommandError for a database that is too old."""
        super().__init__(*args)
        self._may_undo = may_undo
        _refuse_too_old(self.loader)

    @override
    def migrate(
        self,
        targets: Sequence[tuple[str, str | None]] | None,
        plan: Sequence[tuple[Migration, bool]] | None = None,
        state: ProjectState | None = None,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        """Migrate. Raises CommandError if that would undo migrations without `may_undo`.

        The error names the data that would be lost; nothing is changed.
        """
        plan = self.migration_plan(targets or ()) if plan is None else plan
        undone = [migration for migration, is_undone in plan if is_undone]
        if undone and not self._may_undo:
            raise CommandError(self._what_undoing_loses(undone))
        return super().migrate(targets, plan, state, fake=fake, fake_initial=fake_initial)

    @override
    def apply_migration(
        self,
        state: ProjectState,
        migration: Migration,
        fake: bool = False,
        fake_initial: bool = False,
    ) -> ProjectState:
        """Apply a migration. Raises CommandError if it has no locks after PATIENCE_SECONDS."""
        apply = super().apply_migration

        def run() -> ProjectState:
            # A failed try would have changed the state that it was given.
            return apply(state.clone(), migration, fake=fake, fake_initial=fake_initial)

        if migration.atomic:
            return self._retry_until_done(migration, run)
        if not fake:
            self._drop_leftovers(migration)
        return self._without_limit(migration, run)

    @override
    def unapply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False
    ) -> ProjectState:
        """Undo a migration. Raises as `apply_migration` does."""
        unapply = super().unapply_migration

        def run() -> ProjectState:
            return unapply(state.clone(), migration, fake=fake)

        return (self._retry_until_done if migration.atomic else self._without_limit)(migration, run)

    def _retry_until_done(self, migration: Migration, run: Callable[[], T]) -> T:
        ends_at = time.monotonic() + PATIENCE_SECONDS
        pauses = _pauses()
        while True:
            watch = Watch(self.connection)
            try:
                with watch, transaction.atomic(using=self.connection.alias):
                    self._execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                    self._execute("SET LOCAL statement_timeout = 0")
                    return run()
            except OperationalError as error:
                if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                    raise
                if time.monotonic() > ends_at:
                    raise CommandError(
                        f"{migration} did not get its locks within {PATIENCE_SECONDS} s and did"
                        f" nothing: it waits for {watch.holders}. Run this again once that has"
                        " ended."
                    ) from error
            pause = next(pauses)
            logger.warning(
                "%s waits for %s: it is tried again in %.0f s", migration, watch.holders, pause
            )
            time.sleep(pause)

    def _without_limit(self, migration: Migration, run: Callable[[], T]) -> T:
        """Run without time limits: CONCURRENTLY waits for transactions, and blocks none."""
        self._execute("SET lock_timeout = 0; SET statement_timeout = 0")
        try:
            with Watch(self.connection, says=f"{migration} goes on"):
                return run()
        finally:
            self._execute("RESET lock_timeout; RESET statement_timeout")

    def _drop_leftovers(self, migration: Migration) -> None:
        """Drop indexes of an earlier try, which a failure leaves invalid.

        A valid one is dropped too: PostgreSQL finishes it even if the client was killed, but then
        the migration was not recorded as done.
        """
        for operation in migration.operations:
            if not isinstance(operation, AddIndexConcurrently):
                continue
            name = operation.index.name
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT to_regclass(%s)", [self._quote_name(name)])
                if cursor.fetchone() == (None,):
                    continue
            logger.warning("%s drops the index %s of an earlier try", migration, name)
            drop = partial(self._execute, f"DROP INDEX CONCURRENTLY {self._quote_name(name)}")
            self._without_limit(migration, drop)

    def _what_undoing_loses(self, undone: Sequence[Migration]) -> str:
        named = ", ".join(map(str, undone))
        lost = [what for migration in undone for what in self._names_made_by(migration)]
        words = f" This would delete, with all data: {', '.join(lost)}." if lost else ""
        return (
            f"This would undo {named}.{words} Nothing was changed. Going back to the former"
            " release does not need it (docs/operations/upgrade.md). To undo them anyway: --undo."
        )

    def _names_made_by(self, migration: Migration) -> Iterator[str]:
        """Yield the tables and columns that the migration makes."""
        models = self.loader.project_state((migration.app_label, migration.name)).apps
        for operation in migration.operations:
            if isinstance(operation, CreateModel):
                model = models.get_model(migration.app_label, operation.name)
                yield f"the table {model._meta.db_table}"  # noqa: SLF001 - as Django documents it
            elif isinstance(operation, AddField):
                model = models.get_model(migration.app_label, operation.model_name)
                column = model._meta.get_field(operation.name).column  # noqa: SLF001 - as above
                yield f"the column {column} of {model._meta.db_table}"  # noqa: SLF001 - as above

    def _quote_name(self, name: str) -> str:
        return str(self.connection.ops.quote_name(name))

    def _execute(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)


def _refuse_too_old(loader: MigrationLoader) -> None:
    """Raise CommandError for a database before OLDEST, whose single migrations no longer exist."""
    applied = set(loader.applied_migrations or ())
    begun = {app for app, _ in applied}
    for app in settings.OUR_APPS:
        missing = [first for first in loader.graph.root_nodes(app) if first not in applied]
        if app in begun and missing:
            raise CommandError(
                f"This database is older than {OLDEST}: it has tables of {app}, but not all from"
                f" {missing[0][1]}. Nothing was changed. Migrate it with the `migrate` of {OLDEST}"
                " first, then with this one. See docs/operations/upgrade.md."
            )


def _pauses() -> Iterator[float]:
    """Yield pauses in seconds, long enough for the requests that queued behind a try."""
    pause = 1.0
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
