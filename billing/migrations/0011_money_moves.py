"""Money that people ask to be moved: once each, and much of it by two of them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_staff_roles'),
        ('billing', '0010_ledger_heads'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MoneyMove',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('top_up', 'Top Up'), ('credit', 'Credit'), ('refund', 'Refund'), ('adjustment', 'Adjustment'), ('reversal', 'Reversal')], max_length=13)),
                ('amount', models.BigIntegerField()),
                ('reverses_seq', models.BigIntegerField(null=True)),
                ('generation_id', models.UUIDField(null=True)),
                ('reason', models.CharField(blank=True, help_text='The reason shown to the tenant.', max_length=200)),
                ('note', models.CharField(blank=True, help_text='A note that only staff read.', max_length=200)),
                ('asked_by_name', models.CharField(max_length=254)),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('decided_by_name', models.CharField(blank=True, max_length=254)),
                ('declined_at', models.DateTimeField(null=True)),
                ('transfer_id', models.BigIntegerField(null=True)),
                ('asked_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('declined_at', None), ('transfer_id', None)), fields=['expires_at'], name='moves_that_wait')],
                'constraints': [models.CheckConstraint(condition=models.Q(('transfer_id', None), ('declined_at', None), _connector='OR'), name='booked_or_declined')],
            },
        ),
    ]
