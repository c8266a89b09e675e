"""Keys of programs that operate the installation, and the acts that they were shown."""


import accounts.validators
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pictor.kit.words.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0014_staffs_invitations_end'),
    ]

    operations = [
        migrations.CreateModel(
            name='OperatorKey',
            fields=[
                ('id', models.UUIDField(default=pictor.kit.words.ids.new_uuid, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('visible_prefix', models.CharField(max_length=24)),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('permissions', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), size=None)),
                ('acts', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=100), blank=True, default=list, size=None)),
                ('ip_ranges', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43, validators=[accounts.validators.validate_ip_range]), blank=True, default=list, size=100)),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('expires_at', models.DateTimeField()),
                ('revoked_at', models.DateTimeField(null=True)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='OperatorCall',
            fields=[
                ('id', models.UUIDField(default=pictor.kit.words.ids.new_uuid, editable=False, primary_key=True, serialize=False)),
                ('act', models.CharField(max_length=100)),
                ('fields_digest', models.BinaryField(max_length=32)),
                ('seen', models.CharField(max_length=16)),
                ('shown_at', models.DateTimeField()),
                ('begun_at', models.DateTimeField(null=True)),
                ('answer', models.JSONField(null=True)),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.operatorkey')),
            ],
        ),
    ]
