from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('storage', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='storedimage',
            name='has_thumbnail',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
