"""Events of tests end within a day: they are found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_squashed_0002_modes")]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("livemode", False)),
                fields=["id"],
                name="webhook_event_of_test",
            ),
        ),
    ]
