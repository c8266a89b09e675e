"""People can end all their sessions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_encrypted_mail")]

    operations = [
        migrations.AddField(
            "user",
            "sessions_ended",
            models.IntegerField(default=0, db_default=0, editable=False),
        )
    ]
