from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Lists keep nobody waiting but whoever asked for them."""

    dependencies = [
        ("storage", "0005_export_keys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="tenantexport", name="one_export_at_a_time"),
        migrations.AddConstraint(
            model_name="tenantexport",
            constraint=models.UniqueConstraint(
                fields=["tenant"],
                name="one_export_at_a_time",
                condition=models.Q(ready_at=None, failed_at=None, list_name=""),
            ),
        ),
        migrations.AddConstraint(
            model_name="tenantexport",
            constraint=models.UniqueConstraint(
                fields=["tenant", "asked_by"],
                name="one_list_at_a_time",
                condition=models.Q(ready_at=None, failed_at=None) & ~models.Q(list_name=""),
            ),
        ),
    ]
