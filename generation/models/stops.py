"""Stops made by an operator: of everything, of a model or of a tenant."""

from django.db import models
from typing_extensions import override

from accounts.models import SubjectOf


class Stop(models.Model):
    """A stop of new work until an operator starts it again, and the reason. Ended ones stay.

    Without a model or a tenant it stops everything. It is part of the configuration.
    """

    model = models.CharField(max_length=64, blank=True)
    tenant = models.ForeignKey(
        "accounts.Tenant", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    reason = models.CharField(max_length=200, help_text="The reason, for the operator's own staff.")
    words = models.CharField(max_length=300, blank=True, help_text="The explanation for customers.")
    by = models.CharField(max_length=254)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    audited = SubjectOf("stop")  # a tenant reads the events of its own stop

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "tenant"],
                condition=models.Q(ended_at=None),
                name="stopped_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(model="") | models.Q(tenant=None), name="stop_is_of_one"
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name of the stopped model, or of the tenant with its public id."""
        if self.tenant:
            return f"{self.tenant.name} ({self.tenant.public_id})"
        return self.model or "Everything"

    @property
    def code(self) -> str:
        """The argument of `stop` and `start`: `all`, the model, or the tenant's public id."""
        return self.tenant.public_id if self.tenant else self.model or "all"
