"""A migration that is in no release: `python -m tests.drills.migrate`, by the code of `migrate`.

It adds a column to the table of generations, so it needs that table for itself.
"""

import os

import django
from django.db import connection, migrations, models

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pictor.settings")


class Drilled(migrations.Migration):
    """Adds a column that no code reads."""

    operations = [
        migrations.AddField("generation", "drilled", models.IntegerField(null=True)),
    ]


def main() -> None:
    """Apply it as the owner, and leave no record of it."""
    django.setup()
    from pictor.kit.database.roles import as_owner  # noqa: PLC0415 - reads the settings
    from pictor.management.migrating import Executor  # noqa: PLC0415 - as above

    with as_owner():
        executor = Executor(connection)
        applied = Drilled("drilled", "generation")
        executor.apply_migration(executor.loader.project_state(), applied)
        executor.recorder.record_unapplied("generation", "drilled")


if __name__ == "__main__":
    main()
