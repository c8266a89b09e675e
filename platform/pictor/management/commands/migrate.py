"""`manage.py migrate`: Django's command as the tables' owner, then grants for the processes."""

from functools import partial
from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from typing_extensions import override

from pictor.kit.database.roles import allow_processes, as_owner
from pictor.management.migrating import Executor
from pictor.management.new_schema import load_new_schema


class Command(migrate.Command):
    """Migrate by MIGRATION_DATABASE_URL if it is set; see docs/operations/database.md."""

    help = "Run the migrations, then let the processes' role use the tables."

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--undo",
            action="store_true",
            help="undo later migrations, and delete the data in their tables",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> str | None:
        # Django's command offers no other way to set its executor.
        migrate.MigrationExecutor = partial(  # type: ignore[attr-defined]  # the name it looks up
            Executor, may_undo=options["undo"]
        )
        if not options["app_label"]:
            load_new_schema()
        return super().handle(*args, **options)

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        with as_owner():  # around `execute`, since checks before `handle` use the database
            output = super().execute(*args, **options)
            if not (options.get("plan") or options.get("check_unapplied")):
                allow_processes()
        return output
