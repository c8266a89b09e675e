"""Holds are placed and ended by functions: one call each, of what were several statements."""

from pathlib import Path

from django.db import migrations

HOLDS = Path(__file__).parents[1] / "services/holds.sql"


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_budget_warnings")]

    operations = [
        migrations.RunSQL(HOLDS.read_text(encoding="utf-8"), migrations.RunSQL.noop)
    ]
