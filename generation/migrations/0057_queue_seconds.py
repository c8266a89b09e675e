"""How long an order may wait in a vendor's queue."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0056_attempts_with_jobs")]

    operations = [
        migrations.AddField(
            "channel",
            "queue_seconds",
            models.PositiveIntegerField(
                default=60,
                db_default=60,
                help_text="The longest wait in the vendor's queue while another channel can serve.",
            ),
        )
    ]
