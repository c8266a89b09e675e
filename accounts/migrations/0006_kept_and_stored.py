"""New tenants keep prompts for some days; of each it is known what its images take.

Tenants that are there keep what they have.
"""

from django.db import migrations, models

import accounts.models.tenants


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_sign_up_credit")]

    operations = [
        migrations.AlterField(
            "tenant",
            "prompt_retention_days",
            models.PositiveIntegerField(
                blank=True,
                default=accounts.models.tenants.default_prompt_retention,
                help_text="Days until prompts and everything sent with them are erased. 0: within two hours. Empty: kept.",
                null=True,
            ),
        ),
        migrations.AddField(
            "tenant",
            "stored_bytes",
            models.BigIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="The bytes of its stored images, counted each hour.",
            ),
        ),
        migrations.AddField(
            "tenant", "storage_full_at", models.DateTimeField(editable=False, null=True)
        ),
    ]
