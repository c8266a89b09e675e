"""Days of the service's parts, counted by looks: the history on the status page."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0012_demo_source")]

    operations = [
        migrations.CreateModel(
            name="WatchedDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "part",
                    models.CharField(help_text="API, Image workers, or a model.", max_length=64),
                ),
                ("day", models.DateField()),
                ("looks", models.PositiveIntegerField()),
                ("failed", models.PositiveIntegerField()),
                ("looked_at", models.DateTimeField()),
                ("first_failed_at", models.DateTimeField(null=True)),
                ("last_failed_at", models.DateTimeField(null=True)),
                (
                    "trouble",
                    models.CharField(
                        help_text="What the last look that failed found.", max_length=100
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("part", "day"), name="watched_day_once")
                ],
            },
        ),
    ]
