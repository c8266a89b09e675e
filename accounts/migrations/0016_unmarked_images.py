"""Whether a tenant's images say that a model made them, as a part of the configuration."""

from django.db import migrations, models

REVISION = """
CREATE TRIGGER bump_revision AFTER UPDATE OF may_omit_marks, omits_marks ON accounts_tenant
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();
"""


class Migration(migrations.Migration):
    fills = "bump_revision"  # it refuses nothing, and only writes to the new columns fire it

    dependencies = [("accounts", "0015_operator_keys")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="may_omit_marks",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="It may choose that its images say nothing of how they were made.",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="omits_marks",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="It has chosen so; holds while it may.",
            ),
        ),
        migrations.RunSQL(REVISION, "DROP TRIGGER bump_revision ON accounts_tenant"),
    ]
