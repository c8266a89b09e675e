"""How often an export was cut off, and why it was given up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("storage", "0002_sums_of_images")]

    operations = [
        migrations.AddField(
            model_name="tenantexport",
            name="cut_off",
            field=models.SmallIntegerField(
                db_default=0,
                default=0,
                help_text="The number of attempts whose process ended, one under way included.",
            ),
        ),
        migrations.AddField(
            model_name="tenantexport",
            name="failure",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The reason why it was given up, as the end of a sentence.",
                max_length=100,
            ),
        ),
    ]
