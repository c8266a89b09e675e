"""Requests that were refused, for 7 days, in a table that no crash is survived for."""

from django.db import migrations, models

UNLOGGED = "ALTER TABLE generation_refusedrequest SET UNLOGGED"


class Migration(migrations.Migration):
    dependencies = [("generation", "0030_words_of_errors")]

    operations = [
        migrations.CreateModel(
            name="RefusedRequest",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        help_text="The id of the request.", primary_key=True, serialize=False
                    ),
                ),
                (
                    "caller",
                    models.UUIDField(
                        help_text="The tenant's id or, for an unknown key, a keyed digest of the address."
                    ),
                ),
                ("day", models.DateField(help_text="The UTC day on which the row was written.")),
                (
                    "place",
                    models.IntegerField(
                        help_text="The row's number among its caller's rows of that day."
                    ),
                ),
                ("tenant_id", models.UUIDField(null=True)),
                ("key_id", models.UUIDField(null=True)),
                (
                    "generation_id",
                    models.UUIDField(help_text="The earlier generation with which it was answered.", null=True),
                ),
                ("model", models.CharField(max_length=64)),
                ("status", models.SmallIntegerField()),
                ("code", models.CharField(max_length=64)),
                ("param", models.CharField(max_length=100)),
                ("message", models.CharField(max_length=500)),
                (
                    "stopped_by",
                    models.CharField(
                        help_text="The limit that stopped it, or `price` without a price; empty if neither did.", max_length=64
                    ),
                ),
                ("ms", models.IntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["caller", "day", "place"], name="refused_of_caller")
                ],
            },
        ),
        migrations.RunSQL(UNLOGGED, migrations.RunSQL.noop),
    ]
