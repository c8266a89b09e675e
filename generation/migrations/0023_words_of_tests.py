"""The words of tests end within a day: those that are still there are found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0022_defaults_of_openai")]

    operations = [
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("livemode", False), ("words_forgotten_at", None)),
                fields=["id"],
                name="generation_tests_with_words",
            ),
        ),
    ]
