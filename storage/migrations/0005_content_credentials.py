"""What became of an image's Content Credentials, and whether it has our mark."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('storage', '0004_exports_of_staff'),
    ]

    operations = [
        migrations.AddField(
            model_name='storedimage',
            name='credentials',
            field=models.CharField(db_default='unknown', default='unknown', help_text='What became of its Content Credentials: kept, signed, removed or none.', max_length=8),
        ),
        migrations.AddField(
            model_name='storedimage',
            name='credentials_reason',
            field=models.CharField(blank=True, db_default='', default='', max_length=10),
        ),
        migrations.AddField(
            model_name='storedimage',
            name='is_marked',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='storedimage',
            name='manifest_label',
            field=models.CharField(blank=True, db_default='', default='', help_text="The active manifest's, of kept or signed credentials.", max_length=200),
        ),
    ]
