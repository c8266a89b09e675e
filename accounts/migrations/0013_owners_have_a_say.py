"""What staff may not do alone where a tenant has an owner: keys and changes of members that wait."""

import django.db.models.deletion
import pictor.kit.words.ids
from django.conf import settings
from django.db import migrations, models

ROLES = [(role, role.capitalize()) for role in ("owner", "admin", "developer", "billing", "viewer")]
KEY = {"default": pictor.kit.words.ids.new_uuid, "editable": False, "primary_key": True}
BELONGS = {"on_delete": django.db.models.deletion.CASCADE, "related_name": "+"}
PERSON = {**BELONGS, "to": settings.AUTH_USER_MODEL}
TENANT = {**BELONGS, "related_name": "member_changes", "to": "accounts.tenant"}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_own_tenants")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="waits_for_owner",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.CreateModel(
            name="MemberChange",
            fields=[
                ("id", models.UUIDField(serialize=False, **KEY)),
                ("tenant", models.ForeignKey(db_index=False, **TENANT)),
                ("email", models.EmailField(max_length=254)),
                ("before", models.CharField(blank=True, choices=ROLES, max_length=9)),
                ("role", models.CharField(blank=True, choices=ROLES, max_length=9)),
                ("heir", models.ForeignKey(null=True, **PERSON)),
                ("site", models.CharField(max_length=200)),
                ("asked_by", models.ForeignKey(**PERSON)),
                ("asked_at", models.DateTimeField()),
                ("approved_by", models.ForeignKey(null=True, **PERSON)),
                ("takes_effect_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "email"), name="one_change_per_address"
                    )
                ],
            },
        ),
    ]
