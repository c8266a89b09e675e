from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    # Requests go on while it is built over a large ledger.
    atomic = False

    dependencies = [
        ('billing', '0010_usage_by_hour'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='transfer',
            index=models.Index(
                condition=Q(('kind__in', ['top_up', 'credit', 'refund', 'adjustment'])),
                fields=['tenant', 'seq'],
                name='given_by_seq',
            ),
        ),
    ]
