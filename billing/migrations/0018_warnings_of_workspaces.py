"""The thresholds of workspaces' budgets that were announced."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_operator_keys"),
        ("billing", "0017_thresholds_of_budgets"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkspaceBudgetWarning",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "period",
                    models.CharField(choices=[("day", "Day"), ("month", "Month")], max_length=5),
                ),
                ("window", models.DateField(help_text="The first day of the day or month, UTC.")),
                ("most_micros", models.BigIntegerField(help_text="The budget, micro-USD.")),
                ("percent", models.SmallIntegerField(db_default=100)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.tenant",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "period", "window", "most_micros"),
                        name="one_workspace_budget_warning_per_window",
                    )
                ],
            },
        ),
    ]
