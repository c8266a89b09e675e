"""A price may follow from an image's pixels."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0020_words_of_quality")]

    operations = [
        migrations.AddField("price", "terms", models.JSONField(blank=True, null=True)),
        migrations.AlterField(
            "price",
            "kind",
            models.CharField(
                choices=[
                    ("fixed", "Fixed"),
                    ("formula", "Formula"),
                    ("each", "Each"),
                    ("pixels", "Pixels"),
                ],
                default="fixed",
                max_length=7,
            ),
        ),
    ]
