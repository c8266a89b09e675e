"""What needs a person, and when that was last looked at."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0034_archived_channels'),
    ]

    operations = [
        migrations.CreateModel(
            name='Condition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=32)),
                ('object', models.CharField(help_text='The object concerned: a channel, a model, …', max_length=200)),
                ('words', models.CharField(help_text='The description from the last look that found it.', max_length=300)),
                ('micros', models.BigIntegerField(help_text='Its cost or the amount at stake, micro-USD; empty if unknown.', null=True)),
                ('since', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(null=True)),
                ('assigned_to', models.CharField(blank=True, help_text='The person who deals with it.', max_length=254)),
                ('silenced_until', models.DateTimeField(null=True)),
                ('accepted_at', models.DateTimeField(help_text='When it was accepted for good.', null=True)),
                ('why', models.CharField(blank=True, help_text='The reason for the last silence or acceptance.', max_length=200)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'object'), name='condition_once')],
            },
        ),
        migrations.CreateModel(
            name='ConditionLook',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('first_at', models.DateTimeField()),
                ('looked_at', models.DateTimeField()),
                ('sold_until', models.DateTimeField(help_text='The time up to which sales were counted at the last look.', null=True)),
                ('channels', models.JSONField(default=dict, help_text='For each model, the number of channels able to take live requests.')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='condition_look_is_one_row')],
            },
        ),
    ]
