from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_balance_alerts'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='usagerollup',
            index=models.Index(fields=['hour'], name='usage_by_hour'),
        ),
    ]
