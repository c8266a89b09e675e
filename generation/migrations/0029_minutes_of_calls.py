"""How calls to channels went, by the minute."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0028_channel_events'),
    ]

    operations = [
        migrations.CreateModel(
            name='AttemptMinute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('minute', models.DateTimeField()),
                ('model', models.CharField(max_length=64)),
                ('attempt_class', models.CharField(max_length=16)),
                ('number', models.PositiveIntegerField()),
                ('latency', models.JSONField(help_text="Counts of the calls' times, by bucket of billing.latency.")),
                ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='generation.channel')),
            ],
            options={
                'indexes': [models.Index(fields=['channel', 'minute'], name='minutes_of_channel')],
                'constraints': [models.UniqueConstraint(fields=('minute', 'channel', 'model', 'attempt_class'), name='minute_of_calls_once')],
            },
        ),
    ]
