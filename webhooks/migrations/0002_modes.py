"""Endpoints have been told of live requests and tests alike until now: they are live ones.

Of the events so far, those are of tests whose body says it. One without a body was never sent.
"""

from django.db import migrations, models

TESTS_SO_FAR = """
UPDATE webhooks_event SET livemode = false WHERE body LIKE '%"livemode":false%'
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_endpoints_and_events")]

    operations = [
        migrations.AddField(
            model_name="webhookendpoint",
            name="livemode",
            field=models.BooleanField(db_default=True, default=True, editable=False),
        ),
        migrations.AddField(
            model_name="event",
            name="livemode",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.RunSQL(TESTS_SO_FAR, migrations.RunSQL.noop),
    ]
