"""What was sold by the UTC day of its transfers, and how far they are counted."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_uncharged_ceiling'),
        ('billing', '0008_indexes_of_reversals'),
    ]

    operations = [
        migrations.CreateModel(
            name='SoldUntil',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('transfer_id', models.BigIntegerField(default=0)),
                ('until', models.DateTimeField(help_text='What was moved before that is counted.', null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='sold_until_is_one_row')],
            },
        ),
        migrations.CreateModel(
            name='SoldDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('is_demo', models.BooleanField(help_text='Of demo data, which nobody asked or paid for.')),
                ('model', models.CharField(blank=True, max_length=100)),
                ('asked', models.CharField(blank=True, max_length=16)),
                ('delivered', models.CharField(blank=True, help_text='Pixels: WxH.', max_length=16)),
                ('quality', models.CharField(blank=True, max_length=16)),
                ('channel', models.CharField(blank=True, max_length=100)),
                ('images', models.BigIntegerField()),
                ('captured_micros', models.BigIntegerField()),
                ('refunded_micros', models.BigIntegerField()),
                ('cost_micros', models.BigIntegerField(help_text='Of what was delivered, as booked first.')),
                ('corrections_micros', models.BigIntegerField(help_text='Of that cost.')),
                ('losses_micros', models.BigIntegerField(help_text='What nobody pays for, as booked first.')),
                ('loss_corrections_micros', models.BigIntegerField(help_text='Of these losses.')),
                ('credited_micros', models.BigIntegerField(help_text='Credits and adjustments.')),
                ('unknown_images', models.BigIntegerField(help_text='Images whose cost was not known at the end.')),
                ('tenant', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'tenant', 'is_demo', 'model', 'asked', 'delivered', 'quality', 'channel'), name='sold_once_a_day', nulls_distinct=False)],
            },
        ),
    ]
