"""Tenants that owe are found at once, and card money with what people moved."""

from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models

KINDS = [
    *("top_up", "credit", "refund", "adjustment", "reversal"),
    *("pay_back", "paid_back", "pay_back_fail", "chargeback", "reinstated", "repayment"),
]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0022_owed")]

    operations = [
        ValidateConstraint("tenantbalance", "owed_is_never_negative"),
        AddIndexConcurrently(
            "tenantbalance",
            models.Index(
                condition=models.Q(("owed__gt", 0)), fields=["tenant"], name="tenants_that_owe"
            ),
        ),
        AddIndexConcurrently(
            "transfer",
            models.Index(
                condition=models.Q(("kind__in", KINDS)),
                fields=["tenant", "seq"],
                name="moved_by_people_by_seq",
            ),
        ),
        # What the release before asks of it, the wider one answers.
        RemoveIndexConcurrently("transfer", "given_or_taken_by_seq"),
    ]
