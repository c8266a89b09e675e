"""When a model ends, and which one follows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0038_incidents'),
    ]

    operations = [
        migrations.AddField(
            model_name='contract',
            name='deprecated_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='contract',
            name='successor',
            field=models.CharField(blank=True, db_default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='contract',
            name='sunset_at',
            field=models.DateTimeField(editable=False, help_text='When requests for it begin to get a 410.', null=True),
        ),
    ]
