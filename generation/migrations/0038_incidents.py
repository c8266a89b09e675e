"""What customers are told of what goes wrong, and of maintenance ahead."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0037_workers_say_more'),
    ]

    operations = [
        migrations.CreateModel(
            name='Incident',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=120)),
                ('parts', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), help_text='The affected parts, named as on the status page.', size=None)),
                ('is_maintenance', models.BooleanField()),
                ('state', models.CharField(choices=[('investigating', 'Investigating'), ('identified', 'Identified'), ('monitoring', 'Monitoring'), ('resolved', 'Resolved'), ('scheduled', 'Scheduled'), ('in_progress', 'In progress'), ('completed', 'Completed')], max_length=16)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(help_text='When it was resolved; for maintenance, the planned end.', null=True)),
                ('next_update_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('ends_at', None), ('ends_at__gte', models.F('begins_at')), _connector='OR'), name='incident_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('is_maintenance', False), ('ends_at__isnull', False), _connector='OR'), name='maintenance_has_an_end')],
            },
        ),
        migrations.CreateModel(
            name='IncidentUpdate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('state', models.CharField(choices=[('investigating', 'Investigating'), ('identified', 'Identified'), ('monitoring', 'Monitoring'), ('resolved', 'Resolved'), ('scheduled', 'Scheduled'), ('in_progress', 'In progress'), ('completed', 'Completed')], max_length=16)),
                ('words', models.TextField()),
                ('edited_at', models.DateTimeField(null=True)),
                ('by', models.CharField(max_length=254)),
                ('mailed', models.IntegerField(db_default=0, default=0, help_text='The number of owners mailed.')),
                ('once', models.UUIDField(unique=True)),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='updates', to='generation.incident')),
            ],
            options={
                'ordering': ['-at', '-id'],
            },
        ),
    ]
