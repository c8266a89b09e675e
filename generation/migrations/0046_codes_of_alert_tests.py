"""A test of an alert rule keeps the codes it mailed, as digests."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0045_decided_lines")]

    operations = [migrations.AddField("alertsending", "codes", models.JSONField(null=True))]
