"""What covers an outage is found by its tenant and time."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0012_credits_for_outages")]

    operations = [
        AddIndexConcurrently(
            "moneymove",
            models.Index(
                condition=models.Q(("covers_since__isnull", False)),
                fields=["tenant", "covers_until"],
                name="credits_for_outages",
            ),
        ),
    ]
