"""What was paid upstream and is charged to nobody, by tenant, UTC day and reason."""

import django.db.models.deletion
from django.db import migrations, models

LOSSES = (
    "wrong_size",
    "refused_billed",
    "unknown",
    "bad_result",
    "storage_failed",
    "interrupted",
)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_sign_up_credit"),
        ("billing", "0002_withdrawn_price_books"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnchargedCost",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "loss",
                    models.CharField(choices=[(loss, loss) for loss in LOSSES], max_length=14),
                ),
                ("attempts", models.BigIntegerField(default=0)),
                ("cost_micros", models.BigIntegerField(default=0)),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "uncharged cost",
                "verbose_name_plural": "uncharged costs",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "day", "loss"), name="one_uncharged_cost_per_day"
                    )
                ],
            },
        ),
    ]
