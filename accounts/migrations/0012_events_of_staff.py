"""Whether staff acted: null in events from before, and in those of the release before this one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_audit_indexes")]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="is_of_staff",
            field=models.BooleanField(editable=False, null=True),
        ),
    ]
