import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0013_erased_by_worker'),
    ]

    operations = [
        migrations.AddField(
            model_name='tenant',
            name='own_models',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, editable=False, help_text='What its keys may use at most. Empty: every model.', null=True, size=100),
        ),
    ]
