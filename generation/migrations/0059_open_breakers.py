"""Open breakers of channels, which image workers share."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0058_words_of_channel_events")]

    operations = [
        migrations.CreateModel(
            name="OpenBreaker",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "channel",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="generation.channel",
                    ),
                ),
                (
                    "reset_count",
                    models.PositiveIntegerField(help_text="The channel's when it was opened."),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True, help_text="Empty for all models.", max_length=64
                    ),
                ),
                ("pause", models.FloatField(help_text="Seconds between two probes.")),
                (
                    "until",
                    models.DateTimeField(help_text="The time from which on one call may probe it."),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "reset_count", "model"), name="breaker_opened_once"
                    )
                ],
            },
        ),
    ]
