"""What turned on channels."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0027_cost_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChannelEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('breaker_opened', 'Breaker Opened'), ('breaker_closed', 'Breaker Closed'), ('gate_closed', 'Gate Closed'), ('gate_opened', 'Gate Opened'), ('enabled', 'Enabled'), ('paused', 'Paused'), ('trial', 'Trial'), ('key_changed', 'Key Changed'), ('reset', 'Reset')], max_length=16)),
                ('at', models.DateTimeField(db_index=True)),
                ('model', models.CharField(blank=True, help_text='The model of the breaker; empty for all models.', max_length=64)),
                ('worker', models.UUIDField(help_text='The image worker that saw it.', null=True)),
                ('seconds', models.FloatField(help_text='Seconds for which the breaker first opened or the gate first closed.', null=True)),
                ('actor', models.CharField(blank=True, help_text="The actor's name, as in the audit log.", max_length=254)),
                ('channel', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='generation.channel')),
            ],
            options={
                'indexes': [models.Index(fields=['channel', '-at'], name='events_of_channel'), models.Index(condition=models.Q(('worker__isnull', False)), fields=['worker', 'channel', 'model', 'kind', '-at'], name='turns_of_workers')],
            },
        ),
    ]
