"""In which role somebody is staff. Superusers of before are owners, other staff nobody."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def appoint(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Owners are who the admin let do everything; the admin is theirs alone."""
    people = apps.get_model("accounts", "User").objects
    people.filter(is_superuser=True).update(staff_role="owner", is_staff=True)
    people.filter(is_superuser=False, is_staff=True).update(is_staff=False)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_uncharged_ceiling")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="staff_role",
            field=models.CharField(
                blank=True,
                choices=[
                    ("support", "Support"),
                    ("finance", "Finance"),
                    ("operator", "Operator"),
                    ("owner", "Owner"),
                ],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="staff_seen_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunPython(appoint, migrations.RunPython.noop),
    ]
