"""Audit events get a seal and a chain; see accounts/seals.py. Nothing is rewritten.

`manage.py ledger_seal` links the events that are there.
"""

import django.db.models.deletion
from django.db import migrations, models

FORWARDS = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accounts_auditlink
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
ALTER TABLE accounts_auditlink ENABLE ALWAYS TRIGGER append_only;
"""

BACKWARDS = "DROP TRIGGER append_only ON accounts_auditlink;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_personal_data")]

    operations = [
        migrations.AddField(
            "auditevent", "seal", models.BinaryField(editable=False, max_length=32, null=True)
        ),
        migrations.CreateModel(
            "AuditLink",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                ("seal", models.BinaryField(editable=False, max_length=32)),
                (
                    "event",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="link",
                        to="accounts.auditevent",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
