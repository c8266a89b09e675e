"""Approval of each route, trials, and what is to be called of channels that serve.

Until then a channel was approved as a whole, and what it served was not asked.
"""

from hashlib import sha256
from typing import Any

import billing.upstream_cost
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pictor.kit.words.ids
from django.db import migrations, models


TESTED_COLUMNS = ("kind", "base_url", "credentials")


def digest_of(channel: Any) -> str:
    """What 0.2.0 keeps of a channel that passed its test."""
    facts = [getattr(channel, column) for column in TESTED_COLUMNS]
    if channel.serves != "live":
        models = channel.routes.values_list("upstream_model", flat=True)
        facts += ["sandbox", *sorted(set(models))]
    return sha256("\n".join(facts).encode()).hexdigest()


def carry_over(apps: Any, _: Any) -> None:
    """What serves goes on; of what is disabled, that which has not passed its test waits for one."""
    for channel in apps.get_model("generation", "Channel").objects.filter(is_enabled=False):
        if channel.approved_digest != digest_of(channel):
            channel.routes.update(is_approved=False)


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0032_upstream_request_ids'),
    ]

    operations = [
        migrations.AddField(
            model_name='route',
            name='is_approved',
            field=models.BooleanField(db_default=True, help_text='Tested as it is, or enabled untested; other routes are not served. The previous release writes no value, and its routes are served as before.'),
        ),
        migrations.AlterField(
            model_name='channel',
            name='approved_digest',
            field=models.CharField(blank=True, db_default='', help_text='A digest of the kind, address and stored key of the approved routes.', max_length=64),
        ),
        migrations.CreateModel(
            name='PendingRevision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=32)),
                ('base_url', models.CharField(max_length=500)),
                ('credentials', models.TextField(help_text='The API key, encrypted.')),
                ('serves', models.CharField(choices=[('live', 'live keys'), ('test', 'test keys (a sandbox)'), ('both', 'live and test keys (a sandbox)')], max_length=4)),
                ('sizes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), blank=True, null=True, size=None)),
                ('routes', models.JSONField(help_text='A list of RouteTerms, one for each model that it will serve.')),
                ('tested', models.JSONField(default=dict, help_text="For each model with an approved route, the route's digest.")),
                ('base', models.CharField(help_text='A digest of the channel at the start of this revision.', max_length=64)),
                ('changed_by', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('channel', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='pending', to='generation.channel')),
            ],
        ),
        migrations.CreateModel(
            name='ChannelTrial',
            fields=[
                ('id', models.UUIDField(default=pictor.kit.words.ids.new_uuid, editable=False, primary_key=True, serialize=False)),
                ('model', models.CharField(help_text='The public name of the model.', max_length=64)),
                ('pending', models.BooleanField(default=False, help_text="True for a test of the channel's pending revision.")),
                ('tested', models.CharField(help_text='A digest of everything the test covers: see approval.py.', max_length=64)),
                ('asked_by', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('upstream_model', models.CharField(max_length=128)),
                ('upstream_size', models.CharField(max_length=16)),
                ('upstream_quality', models.CharField(max_length=64)),
                ('started_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('milliseconds', models.IntegerField(help_text='The time until the answer was complete.', null=True)),
                ('trial_class', models.CharField(blank=True, default='', help_text="One of the attempt classes; empty while open.", max_length=16)),
                ('http_status', models.PositiveSmallIntegerField(null=True)),
                ('upstream_request_id', models.CharField(blank=True, default='', max_length=200)),
                ('may_have_billed', models.BooleanField(default=True)),
                ('detail', models.CharField(blank=True, default='', max_length=500)),
                ('image_format', models.CharField(blank=True, default='', max_length=8)),
                ('width', models.PositiveIntegerField(null=True)),
                ('height', models.PositiveIntegerField(null=True)),
                ('size_bytes', models.BigIntegerField(null=True)),
                ('picture_key', models.CharField(blank=True, default='', help_text='The key of its image in storage, kept for a week.', max_length=200)),
                ('input_text_tokens', models.IntegerField(null=True)),
                ('input_image_tokens', models.IntegerField(null=True)),
                ('output_tokens', models.IntegerField(null=True)),
                ('cost_micros', models.BigIntegerField(default=0)),
                ('cost_source', models.CharField(default=billing.upstream_cost.CostSource['UNKNOWN'], help_text='A `CostSource`.', max_length=8)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='trials', to='generation.channel')),
            ],
            options={
                'indexes': [models.Index(fields=['channel', 'model', '-created_at'], name='trial_of_route'), models.Index(condition=models.Q(('picture_key', ''), _negated=True), fields=['created_at'], name='trial_with_picture')],
            },
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop),
    ]
