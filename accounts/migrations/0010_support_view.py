"""Looking into a tenant to help it: what it allows, and who had leave until when."""

import django.db.models.deletion
import pictor.kit.words.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_invitations_of_staff"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="allows_support",
            field=models.BooleanField(
                db_default=True,
                default=True,
                editable=False,
                help_text="Our support may view it, read-only, for half an hour at a time.",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="shows_support_content",
            field=models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="Support sees its prompts, tags and images.",
            ),
        ),
        migrations.CreateModel(
            name="SupportGrant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=pictor.kit.words.ids.new_uuid,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("reason", models.CharField(max_length=200)),
                ("opened_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant", "-opened_at"], name="support_grants_of_tenant")
                ],
            },
        ),
    ]
