"""An attempt is found by the id that its upstream gave the call."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("generation", "0031_refused_requests")]

    operations = [
        AddIndexConcurrently(
            "attempt",
            models.Index(
                condition=~models.Q(("upstream_request_id", "")),
                fields=["upstream_request_id"],
                name="attempt_by_upstream_id",
            ),
        ),
    ]
