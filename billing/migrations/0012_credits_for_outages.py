"""A credit for an outage says what time it covers: a tenant gets one for it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_money_moves")]

    operations = [
        migrations.AddField("moneymove", "covers_since", models.DateTimeField(null=True)),
        migrations.AddField("moneymove", "covers_until", models.DateTimeField(null=True)),
        migrations.AddField(
            "moneymove",
            "covers_model",
            models.CharField(blank=True, db_default="", max_length=100),
        ),
    ]
