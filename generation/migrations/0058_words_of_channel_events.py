"""A channel's event may have words: another model answered than was asked for."""

from django.db import migrations, models

KINDS = (
    "breaker_opened", "breaker_closed", "gate_closed", "gate_opened", "enabled", "paused", "trial",
    "key_changed", "reset", "other_model",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("generation", "0057_queue_seconds")]

    operations = [
        migrations.AddField(
            "channelevent",
            "words",
            models.CharField(
                blank=True,
                db_default="",
                help_text="The models asked for and answering.",
                max_length=300,
            ),
        ),
        migrations.AlterField(
            "channelevent",
            "kind",
            models.CharField(
                choices=[(kind, kind.replace("_", " ").title()) for kind in KINDS], max_length=16
            ),
        ),
    ]
