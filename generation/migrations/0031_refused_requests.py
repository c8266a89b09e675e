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
                        help_text="The request's.", primary_key=True, serialize=False
                    ),
                ),
                (
                    "caller",
                    models.UUIDField(
                        help_text="The tenant's id; of an unknown key, a keyed digest of the address."
                    ),
                ),
                ("day", models.DateField(help_text="On which it was written, UTC.")),
                (
                    "place",
                    models.IntegerField(
                        help_text="The how-manieth it is of its caller's that day."
                    ),
                ),
                ("tenant_id", models.UUIDField(null=True)),
                ("key_id", models.UUIDField(null=True)),
                (
                    "generation_id",
                    models.UUIDField(help_text="What it was answered with again.", null=True),
                ),
                ("model", models.CharField(max_length=64)),
                ("status", models.SmallIntegerField()),
                ("code", models.CharField(max_length=64)),
                ("param", models.CharField(max_length=100)),
                ("message", models.CharField(max_length=500)),
                (
                    "stopped_by",
                    models.CharField(
                        help_text="The limit; empty where it was none.", max_length=64
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
