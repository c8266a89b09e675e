"""Whether a member dismissed a workspace's first steps."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_open_sessions'),
    ]

    operations = [
        migrations.AddField(
            model_name='membership',
            name='hides_start',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
