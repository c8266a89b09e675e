"""Events of all tenants by time, by what was done, by whom and to what."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("accounts", "0010_support_view")]

    operations = [
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(fields=["object_id", "-at"], name="audit_by_object_id"),
        ),
        AddIndexConcurrently(
            model_name="auditevent", index=models.Index(fields=["-at"], name="audit_by_time")
        ),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(
                fields=["action", "-at"],
                name="audit_by_action",
                opclasses=("varchar_pattern_ops", "timestamptz_ops"),
            ),
        ),
        AddIndexConcurrently(
            model_name="auditevent",
            index=models.Index(
                fields=["actor_name", "-at"],
                name="audit_by_actor",
                opclasses=("varchar_pattern_ops", "timestamptz_ops"),
            ),
        ),
    ]
