"""Every change of contracts, channels and routes bumps the configuration's revision."""

from django.db import migrations

TABLES = ("generation_contract", "generation_channel", "generation_route")

FORWARDS = """
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();
"""

BACKWARDS = "DROP TRIGGER bump_revision ON {table};"


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0001_initial"),
        ("accounts", "0002_config_revision"),
    ]

    operations = [
        migrations.RunSQL(FORWARDS.format(table=table), BACKWARDS.format(table=table))
        for table in TABLES
    ]
