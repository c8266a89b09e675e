"""The costs of channels: dated tables that never change. Amounts are micro-USD."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from typing_extensions import override

from generation.models.offer import Channel


class CostTable(models.Model):
    """All costs of a channel's account from `effective_from` until its next table takes over.

    In force is the table with the latest `effective_from` that is not in the future; of several,
    the last one written. It takes effect when it is written or later, so it never changes the cost
    of a past attempt.
    """

    append_only = True

    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="cost_tables", db_index=False
    )
    effective_from = models.DateTimeField(db_default=Now())
    rows = models.JSONField(help_text="List of [model, size, quality, kind, micros].")
    terms = models.JSONField(
        null=True, help_text="The terms of each row, by pixels, or null; null if no row has any."
    )
    source = models.CharField(
        max_length=500,
        blank=True,
        db_default="",
        help_text="The source of the amounts and its date.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(effective_from__gte=F("created_at")), name="costs_begin_now_or_later"
            )
        ]
        indexes = [
            models.Index(fields=["channel", "effective_from", "id"], name="costs_of_channel")
        ]

    @override
    def __str__(self) -> str:
        return f"{self.channel_id} from {self.effective_from.isoformat()}"
