"""An attempt is found by the id that its upstream gave the call."""

from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("generation", "0031_refused_requests")]

    operations = [
        AddIndexConcurrently(
            "attempt",
            BrinIndex(
                autosummarize=True,
                fields=["upstream_request_id"],
                name="attempt_by_upstream_id",
                opclasses=["text_bloom_ops(n_distinct_per_range=800)"],
                pages_per_range=16,
            ),
        ),
    ]
