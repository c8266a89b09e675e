"""An attempt keeps a digest of what its vendor said, without digits and ids."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0029_minutes_of_calls'),
    ]

    operations = [
        migrations.AddField(
            model_name='attempt',
            name='fingerprint',
            field=models.CharField(blank=True, db_default='', default='', help_text='A digest of `detail` without digits and ids, erased with it.', max_length=12),
        ),
    ]
