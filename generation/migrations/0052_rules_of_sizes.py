"""Sizes that a model takes besides the listed ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0051_costs_by_pixels")]

    operations = [
        migrations.AddField(
            "contract",
            "size_rule",
            models.JSONField(
                null=True,
                blank=True,
                help_text="Further sizes: step, min_side, max_side, min_pixels, max_pixels,"
                " max_ratio.",
            ),
        )
    ]
