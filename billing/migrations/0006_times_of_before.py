"""The times of usage rows from before are written as one number, some thousand rows at a time."""

from typing import Any

from django.db import migrations

ROWS_AT_ONCE = 5_000
"""For as long as these take, about 0.1 s, settlements of their hours wait."""
_FILL = """
UPDATE billing_usagerollup SET times = pictor_times_v1(latency)
 WHERE id > %s AND id <= %s AND times IS NULL
"""


def fill(apps: Any, schema_editor: Any) -> None:
    """Write it where there is none; safe to repeat."""
    del apps
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM billing_usagerollup")
        (last,) = cursor.fetchone()
        for begin in range(0, last, ROWS_AT_ONCE):
            cursor.execute(_FILL, [begin, begin + ROWS_AT_ONCE])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0005_usage_times")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
