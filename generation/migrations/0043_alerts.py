"""Who is told of conditions, and what they were told."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pictor.kit.words.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0042_bills_of_vendors'),
        ('webhooks', '0003_endpoints_of_the_house'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertAddress',
            fields=[
                ('address', models.EmailField(max_length=254, primary_key=True, serialize=False)),
                ('confirmed_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.UUIDField(default=pictor.kit.words.ids.new_uuid, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80)),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=32), help_text='The kinds of conditions to report. Empty: all, including future kinds.', null=True, size=None)),
                ('least_micros', models.BigIntegerField(help_text='The least amount at stake; an unknown one counts as 0. Empty: any.', null=True)),
                ('least_minutes', models.PositiveIntegerField(default=0, help_text='Minutes a condition must last before an alert is sent.')),
                ('repeat_hours', models.PositiveSmallIntegerField(default=0, help_text='Hours between repeated alerts while a condition is open; 0: no repeats.')),
                ('mails', django.contrib.postgres.fields.ArrayField(base_field=models.EmailField(max_length=254), default=list, size=None)),
                ('page', models.CharField(blank=True, help_text="The address of the operator's console, for links; empty: no links.", max_length=200)),
                ('is_enabled', models.BooleanField(default=False)),
                ('archived_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('endpoint', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='webhooks.webhookendpoint')),
            ],
        ),
        migrations.CreateModel(
            name='AlertSending',
            fields=[
                ('id', models.UUIDField(default=pictor.kit.words.ids.new_uuid, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('is_test', models.BooleanField(default=False)),
                ('mails', django.contrib.postgres.fields.ArrayField(base_field=models.EmailField(max_length=254), default=list, size=None)),
                ('mail_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('url', models.CharField(blank=True, max_length=2048)),
                ('event_id', models.UUIDField(help_text="The id of the webhook event.", null=True)),
                ('passed', models.IntegerField(default=0, help_text='Conditions that began and ended while the rule had to wait, unreported.')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sendings', to='generation.alertrule')),
            ],
        ),
        migrations.CreateModel(
            name='AlertSent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('condition_id', models.BigIntegerField()),
                ('kind', models.CharField(max_length=32)),
                ('object', models.CharField(max_length=200)),
                ('opened_at', models.DateTimeField()),
                ('occasion', models.CharField(choices=[('fired', 'New'), ('repeated', 'Still open'), ('resolved', 'Over')], max_length=8)),
                ('number', models.PositiveIntegerField(help_text='The number of earlier alerts for the same occasion.')),
                ('words', models.CharField(max_length=300)),
                ('micros', models.BigIntegerField(null=True)),
                ('is_hushed', models.BooleanField(default=False, help_text='The condition was silenced or accepted after the alert.')),
                ('is_over', models.BooleanField(default=False, help_text='The end of the condition has been sent.')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='generation.alertrule')),
                ('sending', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='generation.alertsending')),
            ],
        ),
        migrations.AddConstraint(
            model_name='alertrule',
            constraint=models.UniqueConstraint(condition=models.Q(('archived_at', None)), fields=('name',), name='alert_rule_by_name', violation_error_message='There is a rule of this name already.'),
        ),
        migrations.AddConstraint(
            model_name='alertrule',
            constraint=models.CheckConstraint(condition=models.Q(('archived_at', None), ('is_enabled', False), _connector='OR'), name='alert_rule_is_off_once_archived'),
        ),
        migrations.AddIndex(
            model_name='alertsending',
            index=models.Index(fields=['rule', 'id'], name='alert_sending_by_rule'),
        ),
        migrations.AddIndex(
            model_name='alertsending',
            index=models.Index(fields=['at'], name='alert_sending_by_time'),
        ),
        migrations.AddIndex(
            model_name='alertsent',
            index=models.Index(condition=models.Q(('is_over', False)), fields=['rule'], name='alert_sent_standing'),
        ),
        migrations.AddConstraint(
            model_name='alertsent',
            constraint=models.UniqueConstraint(fields=('rule', 'kind', 'object', 'opened_at', 'occasion', 'number'), name='alert_sent_once'),
        ),
    ]
