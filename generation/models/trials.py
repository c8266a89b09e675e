"""Tests of routes by operators. Amounts are micro-USD."""

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from billing.upstream_cost import CostSource
from generation.models.offer import Channel
from pictor.kit.words import ids

DELIVERED = "delivered"
"""The class of a trial that passed; channels/errors.py has all classes."""


class ChannelTrial(models.Model):
    """One call that tests a route of a channel, and its possible cost.

    The row is written before the call, and begun once. If its process dies before the end, it stays
    open: the call may have been made and paid for.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    channel = models.ForeignKey(
        Channel, on_delete=models.PROTECT, related_name="trials", db_index=False
    )
    model = models.CharField(max_length=64, help_text="The public name of the model.")
    pending = models.BooleanField(
        default=False, help_text="True for a test of the channel's pending revision."
    )
    tested = models.CharField(
        max_length=64, help_text="A digest of everything the test covers: see approval.py."
    )
    asked_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now())

    upstream_model = models.CharField(max_length=128)
    upstream_size = models.CharField(max_length=16)
    upstream_quality = models.CharField(max_length=64)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    milliseconds = models.IntegerField(
        null=True, help_text="The time until the answer was complete."
    )
    trial_class = models.CharField(
        max_length=16,
        blank=True,
        default="",
        help_text="One of the attempt classes; empty while open.",
    )
    http_status = models.PositiveSmallIntegerField(null=True)
    upstream_request_id = models.CharField(max_length=200, blank=True, default="")
    may_have_billed = models.BooleanField(default=True)
    detail = models.CharField(max_length=500, blank=True, default="")

    image_format = models.CharField(max_length=8, blank=True, default="")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    size_bytes = models.BigIntegerField(null=True)
    picture_key = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The key of its image in storage, kept for a week.",
    )
    input_text_tokens = models.IntegerField(null=True)
    input_image_tokens = models.IntegerField(null=True)
    output_tokens = models.IntegerField(null=True)
    cost_micros = models.BigIntegerField(default=0)
    cost_source = models.CharField(
        max_length=8, default=CostSource.UNKNOWN, help_text="A `CostSource`."
    )

    class Meta:
        indexes = [
            models.Index(fields=["channel", "model", "-created_at"], name="trial_of_route"),
            models.Index(
                fields=["created_at"],
                name="trial_with_picture",
                condition=~models.Q(picture_key=""),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.model} on {self.channel_id}"

    @property
    def passed(self) -> bool:
        """True if the call delivered its image."""
        return self.trial_class == DELIVERED

    @property
    def known_cost_micros(self) -> int | None:
        """The cost; None if it is unknown or the trial is open."""
        return None if self.cost_source == CostSource.UNKNOWN else self.cost_micros
