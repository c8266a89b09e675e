"""Images by their digest and their manifest's label, and the id up to which they are there."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0016_unmarked_images"),
        ("storage", "0005_content_credentials"),
    ]

    operations = [
        migrations.CreateModel(
            name="ImageOrigin",
            fields=[
                ("image", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="+", serialize=False, to="storage.storedimage")),
                ("sha256", models.CharField(max_length=64)),
                ("manifest_label", models.CharField(blank=True, max_length=200)),
                ("tenant", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.tenant")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["sha256", "tenant"], name="origin_by_digest"),
                    models.Index(condition=models.Q(("manifest_label", ""), _negated=True), fields=["manifest_label", "tenant"], name="origin_by_manifest"),
                ],
            },
        ),
        migrations.CreateModel(
            name="OriginsUntil",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("image_id", models.UUIDField(default=uuid.UUID("00000000-0000-0000-0000-000000000000"))),
            ],
        ),
    ]
