"""What waits is found tenant by tenant; nobody rings for it again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0023_words_of_tests")]

    operations = [
        migrations.RemoveIndex("generation", "generation_unfinished"),
        migrations.RemoveField("generation", "rings"),
        migrations.RemoveField("generation", "rung_at"),
        migrations.AddIndex(
            "generation",
            models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["state", "tenant", "livemode", "id"],
                name="generation_under_way",
            ),
        ),
    ]
