"""A ceiling a UTC day on what a tenant's requests cost us uncharged, and until when it is reached."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_kept_and_stored")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="uncharged_ceiling_micros",
            field=models.BigIntegerField(
                blank=True,
                editable=False,
                help_text="Micro-USD of uncharged cost it may cause in a UTC day. Empty: the general ceiling.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="uncharged_until",
            field=models.DateTimeField(
                editable=False,
                help_text="Until then it can order no images: the ceiling is reached.",
                null=True,
            ),
        ),
    ]
