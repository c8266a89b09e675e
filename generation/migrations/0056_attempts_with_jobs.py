"""A generation's open attempt is found by its jobs."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("generation", "0055_jobs_of_attempts")]

    operations = [
        AddIndexConcurrently(
            "attempt",
            models.Index(
                condition=models.Q(jobs__isnull=False),
                fields=["generation"],
                name="attempt_with_jobs",
            ),
        ),
    ]
