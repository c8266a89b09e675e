"""What an operator has stopped, as a part of the configuration."""

import django.db.models.deletion
from django.db import migrations, models

REVISION = """
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON generation_stop
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();
"""
"""As of contracts, channels and routes: a stop holds for every request sent after it was made."""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0007_uncharged_ceiling'),
        ('generation', '0035_conditions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Stop',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(blank=True, max_length=64)),
                ('reason', models.CharField(help_text="The reason, for the operator's own staff.", max_length=200)),
                ('words', models.CharField(blank=True, help_text='The explanation for customers.', max_length=300)),
                ('by', models.CharField(max_length=254)),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('tenant', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('model', 'tenant'), name='stopped_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('model', ''), ('tenant', None), _connector='OR'), name='stop_is_of_one')],
            },
        ),
        migrations.RunSQL(REVISION),
    ]
