"""Settings of an account that its kind of channel declares."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0052_rules_of_sizes")]

    operations = [
        migrations.AddField(
            "channel",
            "settings",
            models.JSONField(
                null=True, blank=True, help_text='The account\'s, by its kind, as {"project": "acme"}.'
            ),
        )
    ]
