"""Money that goes back to a card, or is taken back by its bank, and what is owed after that."""

from pathlib import Path

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

TOGETHER = Path(__file__).parents[1] / "services/holds_together.sql"
FIRST = {
    "pictor_place_holds_v1": "pictor_place_holds_v2",
    "refused_by := CASE\n": "refused_by := CASE\n"
    "            WHEN h.p_amount > 0 AND balance.owed > 0 THEN 'owed'\n",
    "missing := h.p_amount - CASE refused_by\n": "missing := h.p_amount - CASE refused_by\n"
    "                WHEN 'owed' THEN h.p_amount - balance.owed\n",
}
"""What the second version of placing holds has first, where the first version has something else."""
ACCOUNTS = "INSERT INTO billing_account (id, kind) VALUES (7, 'refunding'), (8, 'owed')"


def place_holds() -> str:
    """The second version of placing holds: whoever owes money places none that costs any."""
    start, end = "CREATE FUNCTION pictor_place_holds_v1(", "$$;\n"
    sql = start + TOGETHER.read_text().partition(start)[2].partition(end)[0] + end
    for old, new in FIRST.items():
        assert sql.count(old) == 1, old  # noqa: S101 - a released function never changes
        sql = sql.replace(old, new)
    return sql


class Migration(migrations.Migration):
    after_release = "0.2.0"  # it does not know the column, and leaves it at 0

    dependencies = [("billing", "0021_prices_by_pixels")]

    operations = [
        migrations.AlterField(
            model_name="account",
            name="kind",
            field=models.CharField(
                choices=[
                    ("platform_revenue", "Platform Revenue"),
                    ("upstream_cost", "Upstream Cost"),
                    ("upstream_payable", "Upstream Payable"),
                    ("losses", "Losses"),
                    ("top_ups", "Top Ups"),
                    ("credits", "Credits"),
                    ("refunding", "Refunding"),
                    ("owed", "Owed"),
                    ("available", "Available"),
                    ("held", "Held"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="kind",
            field=models.CharField(
                choices=[
                    ("top_up", "Top Up"),
                    ("credit", "Credit"),
                    ("hold", "Hold"),
                    ("capture", "Capture"),
                    ("release", "Release"),
                    ("refund", "Refund"),
                    ("adjustment", "Adjustment"),
                    ("reversal", "Reversal"),
                    ("upstream_cost", "Upstream Cost"),
                    ("loss", "Loss"),
                    ("correction", "Cost correction"),
                    ("pay_back", "Pay back"),
                    ("paid_back", "Paid back"),
                    ("pay_back_fail", "Pay back failed"),
                    ("chargeback", "Chargeback"),
                    ("reinstated", "Reinstated"),
                    ("repayment", "Repayment"),
                ],
                max_length=13,
            ),
        ),
        migrations.AddField(
            model_name="tenantbalance",
            name="owed",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="ledgercheckpoint",
            name="owed",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        AddConstraintNotValid(
            "tenantbalance",
            models.CheckConstraint(
                condition=models.Q(("owed__gte", 0)), name="owed_is_never_negative"
            ),
        ),
        migrations.RunSQL(ACCOUNTS, "DELETE FROM billing_account WHERE id IN (7, 8)"),
        migrations.RunSQL(
            place_holds(), "DROP FUNCTION pictor_place_holds_v2(text, jsonb, integer[])"
        ),
    ]
