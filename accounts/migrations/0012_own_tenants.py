"""The operator's own tenants: those of the seed, such as the demo."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def mark(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Mark the tenants that the seed made."""
    made = apps.get_model("accounts", "AuditEvent").objects.filter(
        action="tenant.create", actor_name="seed"
    )
    tenants = apps.get_model("accounts", "Tenant").objects.filter(
        id__in=made.values_list("tenant_id", flat=True)
    )
    tenants.update(is_ours=True)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_audit_indexes")]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="is_ours",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="The operator's own: staff may make staff its members.",
            ),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
