"""The usual kind of a channel is the registry's to say. Nothing changes in the database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """One default."""

    dependencies = [
        ("generation", "0018_mode_of_key"),
    ]

    operations = [
        migrations.AlterField(
            model_name="channel",
            name="kind",
            field=models.CharField(max_length=32),
        ),
    ]
