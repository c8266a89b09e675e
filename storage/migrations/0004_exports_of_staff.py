"""Exports that staff request, who may be members, too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("storage", "0003_exports_cut_off")]

    operations = [
        migrations.AddField(
            model_name="tenantexport",
            name="is_of_staff",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Requested by staff at /ops/, for its admins.",
            ),
        ),
    ]
