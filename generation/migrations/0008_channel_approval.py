"""A channel says which address and key of it were tried; those that serve today count as tried."""

from django.db import migrations, models

APPROVE = """
UPDATE generation_channel
SET approved_digest = encode(
    sha256(convert_to(kind || E'\\n' || base_url || E'\\n' || credentials, 'UTF8')), 'hex'
)
WHERE is_enabled
"""


class Migration(migrations.Migration):
    dependencies = [("generation", "0007_personal_data")]

    operations = [
        migrations.AddField(
            model_name="channel",
            name="approved_digest",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text=(
                    "Of the kind, address and stored key that were tested, or enabled untested."
                ),
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="channel",
            name="is_enabled",
            field=models.BooleanField(default=False),
        ),
        migrations.RunSQL(APPROVE, migrations.RunSQL.noop),
    ]
