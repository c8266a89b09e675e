"""Channels that are deleted although something names them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0033_approved_routes'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='archived_at',
            field=models.DateTimeField(blank=True, help_text='When it was deleted; what it has done names it still.', null=True),
        ),
    ]
