"""What people see of their sessions, by the digest that is the key of a session's row."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0016_unmarked_images'),
    ]

    operations = [
        migrations.CreateModel(
            name='OpenSession',
            fields=[
                ('digest', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('network', models.CharField(max_length=50)),
                ('browser', models.CharField(max_length=40)),
                ('begun_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='open_sessions', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
