"""Rows of tests end after their words: those that are due are found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0024_fair_slots")]

    operations = [
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("livemode", False), ("words_forgotten_at__isnull", False)),
                fields=["words_forgotten_at"],
                name="generation_tests_to_delete",
            ),
        ),
    ]
