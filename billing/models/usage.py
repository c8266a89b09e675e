"""Usage and charges summed by the hour, so that reports need not read each generation."""

from django.db import models
from django.db.models import Q
from typing_extensions import override

from accounts.models import Tenant
from billing.latency import BOUNDS, PLACES
from billing.upstream_cost import Loss


class UsageRollup(models.Model):
    """One hour of a tenant's use of a key, model, size tier, channel and final status.

    Written in the transaction that settles, so the sums agree with the ledger to the micro.
    """

    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, db_index=False, related_name="usage"
    )
    # Plain ids and names: a row outlives the key, and a foreign key would be checked per settle.
    key_id = models.UUIDField()
    model = models.CharField(max_length=100)
    tier = models.CharField(max_length=8, blank=True)
    channel = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10)
    hour = models.DateTimeField()
    generations = models.BigIntegerField(default=0)
    images = models.BigIntegerField(default=0)
    captured_micros = models.BigIntegerField(default=0)
    latency = models.JSONField(
        default=dict,
        help_text="Counts of times from request to image, by bucket of billing.latency.",
    )
    # Reports add up many rows: this is one sum, where `latency` would be taken apart row by row.
    times = models.DecimalField(
        max_digits=PLACES * (len(BOUNDS) + 1),
        decimal_places=0,
        null=True,
        editable=False,
        help_text="The counts of `latency` as one number, written by a trigger.",
    )

    class Meta:
        indexes = [models.Index(fields=["hour"], name="usage_by_hour")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "hour", "key_id", "model", "tier", "channel", "status"],
                name="one_rollup_per_hour",
            ),
            models.CheckConstraint(
                condition=Q(generations__gte=0, images__gte=0, captured_micros__gte=0),
                name="usage_is_not_negative",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:00 {self.model} {self.generations}"


class FailureRollup(models.Model):
    """One hour of a tenant's failed requests with a key, model, size tier and the error's code.

    A trigger on generations writes it (ADR 0065), so it agrees with `UsageRollup` at any moment.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False, related_name="+")
    key_id = models.UUIDField()
    model = models.CharField(max_length=100)
    tier = models.CharField(max_length=8, blank=True)
    code = models.CharField(max_length=64)
    hour = models.DateTimeField()
    generations = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "hour", "key_id", "model", "tier", "code"],
                name="one_failure_rollup_per_hour",
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:00 {self.model} {self.code} {self.generations}"


class UnchargedCost(models.Model):
    """A UTC day's actual or possible cost of calls for a tenant that no tenant pays, by reason.

    If a route's cost per image is unknown, the quote is counted, so this may exceed the ledger's
    losses. Tests cost nothing.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False, related_name="+")
    day = models.DateField()
    loss = models.CharField(max_length=14, choices=[(loss, loss) for loss in Loss])
    attempts = models.BigIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "uncharged cost"
        verbose_name_plural = "uncharged costs"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "loss"], name="one_uncharged_cost_per_day"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.day} {self.loss} {self.attempts}"
