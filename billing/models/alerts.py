"""Thresholds for low-balance mails, and the thresholds of budgets that were announced."""

from django.core.validators import MinValueValidator
from django.db import models
from typing_extensions import override

from accounts.models import ApiKey, Tenant


class BalanceAlert(models.Model):
    """A tenant's thresholds, and the time since which the balance is below one of them.

    `below_micros` applies to the available balance, `below_days` to the days it lasts at last
    week's pace. Null is no threshold. `page` is the address that the mail links to.
    """

    tenant = models.OneToOneField(
        Tenant, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    below_micros = models.BigIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    below_days = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )
    page = models.CharField(max_length=300)
    raised_at = models.DateTimeField(null=True, blank=True)

    @override
    def __str__(self) -> str:
        return f"{self.tenant_id}: {'low' if self.raised_at else 'not low'}"


class BudgetWindow(models.Model):
    """The highest announced threshold of one amount of a budget in one of its windows."""

    class Period(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    period = models.CharField(max_length=5, choices=Period)
    window = models.DateField(help_text="The first day of the day or month, UTC.")
    most_micros = models.BigIntegerField(help_text="The budget, micro-USD.")
    # 0.2.0 announces only exceeded budgets, and writes no percentage.
    percent = models.SmallIntegerField(db_default=100)

    class Meta:
        abstract = True

    @override
    def __str__(self) -> str:
        return f"{self.percent}% of {self.period} {self.window}"


class BudgetWarning(BudgetWindow):
    """A key's budget."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key", "period", "window", "most_micros"],
                name="one_budget_warning_per_window",
            )
        ]


class WorkspaceBudgetWarning(BudgetWindow):
    """A budget of a workspace."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "period", "window", "most_micros"],
                name="one_workspace_budget_warning_per_window",
            )
        ]
