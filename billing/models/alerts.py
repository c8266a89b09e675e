"""Thresholds for low-balance mails, and the mails sent about exceeded warn-only budgets."""

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


class BudgetWarning(models.Model):
    """A mail sent to a tenant about a key's warn-only budget, in one of the budget's windows."""

    class Period(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    period = models.CharField(max_length=5, choices=Period)
    window = models.DateField(help_text="The first day of the day or month, UTC.")
    most_micros = models.BigIntegerField(help_text="The exceeded budget, micro-USD.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["key", "period", "window", "most_micros"],
                name="one_budget_warning_per_window",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.key_id}: {self.period} of {self.window}"
