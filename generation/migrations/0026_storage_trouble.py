"""What an image worker has seen of storage, for those who look at it from outside."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0025_rows_of_tests")]

    operations = [
        migrations.AddField(
            "worker",
            "storage_trouble",
            models.CharField(
                blank=True,
                db_default="nothing has been stored yet",
                default="nothing has been stored yet",
                help_text="The reason why it cannot store images; empty if it can.",
                max_length=200,
            ),
        ),
    ]
