"""What people booked alone in a day is summed by person and by tenant."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0014_price_lists")]

    operations = [
        AddIndexConcurrently(
            "moneymove",
            models.Index(
                condition=models.Q(("expires_at", None)),
                fields=["asked_by", "asked_at"],
                name="moves_alone_by_person",
            ),
        ),
        AddIndexConcurrently(
            "moneymove",
            models.Index(
                condition=models.Q(("expires_at", None)),
                fields=["tenant", "asked_at"],
                name="moves_alone_by_tenant",
            ),
        ),
    ]
