"""The numbers of a bill's taken and disputed lines, and what taking them changed."""

from django.db import migrations, models

COUNT = """
UPDATE generation_vendorbill AS b
   SET taken_lines = l.taken, taken_micros = l.change, disputed_lines = l.disputed
  FROM (SELECT bill_id, count(*) FILTER (WHERE decision = 'taken') AS taken,
               SUM(taken_micros) AS change,
               count(*) FILTER (WHERE decision = 'disputed') AS disputed
          FROM generation_billline WHERE decision <> '' GROUP BY bill_id) AS l
 WHERE l.bill_id = b.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('generation', '0044_lines_keyed_by_vendors_words'),
    ]

    operations = [
        migrations.AddField(
            model_name='vendorbill',
            name='taken_lines',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='vendorbill',
            name='taken_micros',
            field=models.BigIntegerField(db_default=0, default=0, help_text='The change of our cost by taken lines, micro-USD.'),
        ),
        migrations.AddField(
            model_name='vendorbill',
            name='disputed_lines',
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
