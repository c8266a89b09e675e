from django.db import migrations, models


class Migration(migrations.Migration):
    """Which images have a picture small enough for a row of a list."""

    dependencies = [("storage", "0006_a_list_for_each_asker")]

    operations = [
        migrations.AddField(
            model_name="storedimage",
            name="has_icon",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
