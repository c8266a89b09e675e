"""Conditions that need an operator, and the last look for them. Amounts are micro-USD."""

from django.db import models
from django.db.models import Q
from typing_extensions import override

from accounts.models import SubjectOf


class Condition(models.Model):
    """Something that is wrong, or soon will be; generation/oversight/conditions/ has the kinds.

    One row for each kind and object. A condition that returns opens its row again, so one that was
    accepted for good stays accepted.
    """

    kind = models.CharField(max_length=32)
    object = models.CharField(
        max_length=200, help_text="The object concerned: a channel, a model, …"
    )
    words = models.CharField(
        max_length=300, help_text="The description from the last look that found it."
    )
    micros = models.BigIntegerField(
        null=True, help_text="Its cost or the amount at stake, micro-USD; empty if unknown."
    )
    since = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    assigned_to = models.CharField(
        max_length=254, blank=True, help_text="The person who deals with it."
    )
    silenced_until = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True, help_text="When it was accepted for good.")
    why = models.CharField(
        max_length=200, blank=True, help_text="The reason for the last silence or acceptance."
    )

    channel: int | None = None
    """The id of the channel that `object` names, from the reads of one or all open conditions."""

    audited = SubjectOf("condition")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "object"], name="condition_once"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.kind} {self.object}"


class ConditionLook(models.Model):
    """A single row: the time of the last look, and the figures the next look compares with."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    first_at = models.DateTimeField()
    looked_at = models.DateTimeField()
    sold_until = models.DateTimeField(
        null=True, help_text="The time up to which sales were counted at the last look."
    )
    channels = models.JSONField(
        default=dict, help_text="For each model, the number of channels able to take live requests."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="condition_look_is_one_row")]

    @override
    def __str__(self) -> str:
        return self.looked_at.isoformat()
