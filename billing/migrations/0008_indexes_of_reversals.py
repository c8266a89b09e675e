"""What people moved is found with its reversals, and an attempt's corrections by the attempt."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0007_reversals_and_corrections")]

    operations = [
        AddIndexConcurrently(
            "transfer",
            models.Index(
                condition=models.Q(
                    ("kind__in", ["top_up", "credit", "refund", "adjustment", "reversal"])
                ),
                fields=["tenant", "seq"],
                name="given_or_taken_by_seq",
            ),
        ),
        AddIndexConcurrently(
            "transfer",
            models.Index(
                condition=models.Q(("corrects_id__isnull", False)),
                fields=["corrects_id"],
                name="corrections_by_attempt",
            ),
        ),
        RemoveIndexConcurrently("transfer", "given_by_seq"),
    ]
