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
                ('until', models.DateTimeField(help_text='The time up to which all transfers are counted.', null=True)),
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
                ('is_demo', models.BooleanField(help_text='True for demo data, which nobody ordered or paid for.')),
                ('model', models.CharField(blank=True, max_length=100)),
                ('asked', models.CharField(blank=True, max_length=16)),
                ('delivered', models.CharField(blank=True, help_text='The delivered size in pixels, as WxH.', max_length=16)),
                ('quality', models.CharField(blank=True, max_length=16)),
                ('channel', models.CharField(blank=True, max_length=100)),
                ('images', models.BigIntegerField()),
                ('captured_micros', models.BigIntegerField()),
                ('refunded_micros', models.BigIntegerField()),
                ('cost_micros', models.BigIntegerField(help_text='The cost first booked for delivered images, micro-USD.')),
                ('corrections_micros', models.BigIntegerField(help_text='Later corrections of the cost of delivered images, micro-USD.')),
                ('losses_micros', models.BigIntegerField(help_text='The cost first booked for calls that no tenant pays for, micro-USD.')),
                ('loss_corrections_micros', models.BigIntegerField(help_text='Later corrections of the losses, micro-USD.')),
                ('credited_micros', models.BigIntegerField(help_text='Credits and adjustments, micro-USD.')),
                ('unknown_images', models.BigIntegerField(help_text='Delivered images whose cost was unknown at settlement.')),
                ('tenant', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'tenant', 'is_demo', 'model', 'asked', 'delivered', 'quality', 'channel'), name='sold_once_a_day', nulls_distinct=False)],
            },
        ),
    ]
