"""Failed requests by the hour and the error's code."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_uncharged_ceiling'),
        ('billing', '0018_warnings_of_workspaces'),
    ]

    operations = [
        migrations.CreateModel(
            name='FailureRollup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_id', models.UUIDField()),
                ('model', models.CharField(max_length=100)),
                ('tier', models.CharField(blank=True, max_length=8)),
                ('code', models.CharField(max_length=64)),
                ('hour', models.DateTimeField()),
                ('generations', models.BigIntegerField()),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant', 'hour', 'key_id', 'model', 'tier', 'code'), name='one_failure_rollup_per_hour')],
            },
        ),
    ]
