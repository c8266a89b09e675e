"""When a tenant wants to be told that its balance runs out."""

from django.core.validators import MinValueValidator
from django.db import models
from typing_extensions import override

from accounts.models import Tenant


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
