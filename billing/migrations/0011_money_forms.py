"""Which forms of pages have moved money, so that none moves it twice."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0009_sold_days'),
    ]

    operations = [
        migrations.CreateModel(
            name='MoneyForm',
            fields=[
                ('id', models.UUIDField(help_text='Made when the form was drawn.', primary_key=True, serialize=False)),
                ('sent_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('transfer', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.transfer')),
            ],
        ),
    ]
