"""When a tenant is told: that its balance runs out, that a key is over a budget that only warns."""

from django.core.validators import MinValueValidator
from django.db import models
from typing_extensions import override

from accounts.models import ApiKey, Tenant


class BalanceAlert(models.Model):
    """A tenant's thresholds, and since when the balance is below one of them.

    `below_micros` is of what is available; `below_days` of how long that lasts at the pace of the
    last week. Null is none. `page` is where the mail leads to.
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
    """That a tenant was told of a key's budget, which only warns, in one of its windows."""

    class Period(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    period = models.CharField(max_length=5, choices=Period)
    window = models.DateField(help_text="The first day of it, UTC.")
    most_micros = models.BigIntegerField(help_text="The budget that was passed.")

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
