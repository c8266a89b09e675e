"""New tenants keep prompts for some days; those there are keep what they have."""

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
                help_text="Days until prompts and all that was sent with them are erased. 0: within"
                " two hours. Empty: kept.",
                null=True,
            ),
        ),
    ]
