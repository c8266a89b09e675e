"""A price's quality is as long as a contract's. A longer varchar is no rewrite, and no index's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    widens = "billing_price.quality"

    dependencies = [("billing", "0019_failures")]

    operations = [
        migrations.AlterField("price", "quality", models.CharField(max_length=16)),
        migrations.AlterField(
            "price",
            "kind",
            models.CharField(
                choices=[("fixed", "Fixed"), ("formula", "Formula"), ("each", "Each")],
                default="fixed",
                max_length=7,
            ),
        ),
    ]
