"""What people booked alone in a day is summed by person and by tenant."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0014_price_lists")]

    operations = [
        AddIndexConcurrently(
            "moneymove",
            models.Index(condition=models.Q(("expires_at", None)), fields=[by, "asked_at"], name=name),
        )
        for by, name in (("asked_by", "moves_alone_by_person"), ("tenant", "moves_alone_by_tenant"))
    ]
