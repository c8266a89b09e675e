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
            field=models.DateTimeField(blank=True, help_text='When it was deleted; its attempts and costs still refer to it.', null=True),
        ),
    ]
