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
                help_text="Micro-USD a UTC day that its requests may cost us uncharged. Empty: as anyone's.",
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="uncharged_until",
            field=models.DateTimeField(
                editable=False,
                help_text="Orders no images until then: that was reached.",
                null=True,
            ),
        ),
    ]
