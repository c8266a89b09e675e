"""Whether a channel's pictures may keep their Content Credentials."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0060_field_maps'),
    ]

    operations = [
        migrations.AddField(
            model_name='channel',
            name='keeps_credentials',
            field=models.BooleanField(db_default=True, default=True, help_text='Pictures with Content Credentials that can stay as they came do so.'),
        ),
    ]
