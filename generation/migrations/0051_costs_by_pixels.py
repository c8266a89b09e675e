"""Rows of cost tables whose amount follows from an image's pixels."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0050_contracts_as_files")]

    operations = [
        migrations.AddField(
            "costtable",
            "terms",
            models.JSONField(
                null=True,
                help_text="The terms of each row, by pixels, or null; null if no row has any.",
            ),
        ),
    ]
