"""What mail says is one encrypted column, also of mail that waits already."""

import json
from typing import Any

from django.db import migrations, models

from pictor.kit.secrets.encryption import encrypted


def encrypt(apps: Any, _: Any) -> None:
    """Mail whose words are kept. A subject alone is of mail that was sent: it is forgotten too."""
    kept = apps.get_model("accounts", "Mail").objects.exclude(text="", html="")
    for mail in kept:
        mail.contents = encrypted(json.dumps([mail.subject, mail.text, mail.html]))
        mail.save(update_fields=["contents"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sessions_by_digest")]

    operations = [
        migrations.AddField(
            "mail", "contents", models.TextField(blank=True, default=""), preserve_default=False
        ),
        migrations.RunPython(encrypt, migrations.RunPython.noop),
        migrations.RemoveField("mail", "subject"),
        migrations.RemoveField("mail", "text"),
        migrations.RemoveField("mail", "html"),
    ]
