from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0010_contracts_begin_disabled'),
    ]

    operations = [
        migrations.AddField(
            model_name='generation',
            name='source',
            field=models.CharField(choices=[('api', 'Api'), ('playground', 'Playground')], db_default='api', default='api', max_length=10),
        ),
    ]
