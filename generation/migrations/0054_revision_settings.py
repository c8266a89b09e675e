"""Settings of an account after a pending revision."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0053_channel_settings")]

    operations = [
        migrations.AddField("pendingrevision", "settings", models.JSONField(null=True, blank=True))
    ]
