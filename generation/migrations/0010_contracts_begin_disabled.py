from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0009_deaths'),
    ]

    operations = [
        migrations.AlterField(
            model_name='contract',
            name='is_enabled',
            field=models.BooleanField(default=False),
        ),
    ]
