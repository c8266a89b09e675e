"""Vendors' names for fields, typed for a route."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0059_open_breakers")]

    operations = [
        migrations.AddField(
            model_name="route",
            name="field_map",
            field=models.JSONField(
                blank=True,
                help_text='Names for fields at the vendor, as {"seed": "seed_no"}; empty for its kind\'s.',
                null=True,
            ),
        ),
    ]
