"""The orders at a vendor that an open attempt waits for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0054_revision_settings")]

    operations = [
        migrations.AddField(
            "attempt",
            "jobs",
            models.JSONField(
                null=True,
                help_text="Its orders at the vendor, each with its plan; null once it is closed.",
            ),
        ),
    ]
