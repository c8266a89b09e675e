"""Images and exports."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pictor.kit.words.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("accounts", "0001_squashed_0017_budgets_that_warn")]

    operations = [
        migrations.CreateModel(
            name="StoredImage",
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
                ("generation_id", models.UUIDField()),
                ("index", models.PositiveSmallIntegerField()),
                ("object_key", models.CharField(max_length=200)),
                ("content_type", models.CharField(max_length=20)),
                ("format", models.CharField(max_length=4)),
                ("size_bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("revised_prompt", models.TextField(blank=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("expires_at", models.DateTimeField()),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
                ("has_thumbnail", models.BooleanField(db_default=False, default=False)),
                ("has_icon", models.BooleanField(db_default=False, default=False)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at__isnull", True)),
                        fields=["expires_at"],
                        name="stored_image_to_expire",
                    ),
                    models.Index(fields=["tenant", "-created_at"], name="stored_image_by_tenant"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("generation_id", "index"), name="stored_image_once_per_generation"
                    ),
                    models.UniqueConstraint(
                        fields=("object_key",), name="storage_storedimage_object_key_key"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantExport",
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
                ("asked_at", models.DateTimeField()),
                (
                    "page_url",
                    models.CharField(help_text="The address of the page with the file, for the person who requested it.", max_length=300),
                ),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("ready_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("size_bytes", models.BigIntegerField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
                (
                    "list_name",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="The exported list; empty for all data of the tenant.",
                        max_length=20,
                    ),
                ),
                (
                    "list_query",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="The list's filters, as a query string.",
                        max_length=4000,
                    ),
                ),
                (
                    "object_key",
                    models.CharField(
                        blank=True,
                        db_default="",
                        help_text="The key of the file in storage; empty until its upload begins.",
                        max_length=200,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("failed_at", None), ("list_name", ""), ("ready_at", None)
                        ),
                        fields=("tenant",),
                        name="one_export_at_a_time",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("failed_at", None),
                            ("ready_at", None),
                            models.Q(("list_name", ""), _negated=True),
                        ),
                        fields=("tenant", "asked_by"),
                        name="one_list_at_a_time",
                    ),
                ],
            },
        ),
    ]
