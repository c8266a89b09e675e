from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0010_usage_by_hour'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='transfer',
            index=models.Index(
                condition=Q(('kind__in', ['top_up', 'credit', 'refund', 'adjustment'])),
                fields=['tenant', 'seq'],
                name='given_by_seq',
            ),
        ),
    ]
