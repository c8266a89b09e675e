"""Who was told of the end of a model, so that nobody is told twice."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0011_audit_indexes'),
        ('generation', '0040_routes_retire'),
    ]

    operations = [
        migrations.CreateModel(
            name='SunsetNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(max_length=64)),
                ('sunset_at', models.DateTimeField()),
                ('successor', models.CharField(max_length=64)),
                ('days', models.SmallIntegerField(help_text='60, 30, 7 or 1; 0 for a change announced before the first of these.')),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('model', 'sunset_at', 'successor', 'days', 'tenant'), name='told_once_of_a_sunset')],
            },
        ),
    ]
