"""What channels cost us: dated tables that never change, as price books are."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

FINAL = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON generation_costtable
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_append_only();
ALTER TABLE generation_costtable ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER bump_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON generation_costtable
    FOR EACH STATEMENT EXECUTE FUNCTION pictor_bump_revision();
"""
"""A table is never changed; a new one bumps the configuration's revision."""


class Migration(migrations.Migration):
    dependencies = [("generation", "0027_attempt_costs")]

    operations = [
        migrations.CreateModel(
            name='CostTable',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('effective_from', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('rows', models.JSONField(help_text='List of [model, size, quality, kind, micros].')),
                ('source', models.CharField(blank=True, db_default='', help_text='The source of the amounts and its date.', max_length=500)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cost_tables', to='generation.channel')),
            ],
            options={
                'indexes': [models.Index(fields=['channel', 'effective_from', 'id'], name='costs_of_channel')],
                'constraints': [models.CheckConstraint(condition=models.Q(('effective_from__gte', models.F('created_at'))), name='costs_begin_now_or_later')],
            },
        ),
        migrations.RunSQL(FINAL),
    ]
