"""Notices to tenants about the end of a model, kept so that none is sent twice."""

from django.db import models
from typing_extensions import override


class SunsetNotice(models.Model):
    """A mail to a tenant's owners, `days` ahead: when a model ends and which model follows.

    If the model's date or successor changes afterwards, the owners are told and this row is
    deleted.
    """

    model = models.CharField(max_length=64)
    sunset_at = models.DateTimeField()
    successor = models.CharField(max_length=64)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    days = models.SmallIntegerField(
        help_text="60, 30, 7 or 1; 0 for a change announced before the first of these."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "sunset_at", "successor", "days", "tenant"],
                name="told_once_of_a_sunset",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.model}, {self.days} days ahead: {self.tenant_id}"
