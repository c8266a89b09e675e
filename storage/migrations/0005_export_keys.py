from datetime import UTC
from typing import Any

from django.conf import settings
from django.db import migrations, models

from storage.object_keys import export_key


def keep_keys(apps: Any, _editor: Any) -> None:
    """Write down where the files of exports that were begun lie: with the secret of now."""
    for export in apps.get_model("storage", "TenantExport").objects.filter(
        object_key="", attempts__gt=0
    ):
        export.object_key = export_key(
            settings.OBJECT_KEY_SECRET,
            export.id,
            created=export.asked_at.astimezone(UTC).date(),
            ext="csv" if export.list_name else "zip",
        )
        export.save(update_fields=["object_key"])


class Migration(migrations.Migration):
    """An export's file is found and deleted after a change of PICTOR_OBJECT_KEY_SECRET, too."""

    dependencies = [("storage", "0004_lists")]

    operations = [
        migrations.AddField(
            model_name="tenantexport",
            name="object_key",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Empty until its file is begun.",
                max_length=200,
            ),
        ),
        migrations.RunPython(keep_keys, migrations.RunPython.noop),
    ]
