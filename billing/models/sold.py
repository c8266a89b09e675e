"""Sales and their costs, summed by the day from the ledger's transfers."""

from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db import models
from typing_extensions import override

from accounts.models import Tenant

FIGURES = (
    "images",
    "captured_micros",
    "refunded_micros",
    "cost_micros",
    "corrections_micros",
    "losses_micros",
    "loss_corrections_micros",
    "credited_micros",
    "unknown_images",
)
"""The counters of a row of `SoldDay`, in the order of its columns."""


class SoldRow(NamedTuple):
    """The key of a row of `SoldDay`."""

    day: date
    tenant_id: UUID | None
    is_demo: bool
    model: str = ""
    asked: str = ""
    delivered: str = ""
    quality: str = ""
    channel: str = ""


class SoldDay(models.Model):
    """The sums of a UTC day's transfers, by tenant, price row, delivered size and channel.

    The day is the transfer's: a refund counts on the day it is given. `asked` and `quality` name
    the price row, `reference` and `input` that of reference images; for a loss, `quality` is the
    requested one. For sizes by a contract's rule `asked` is `any`, and `delivered` whole megapixels
    (`PricedPart.by_megapixel`): a row for each pair of pixels would have no bound. Columns that a
    transfer does not know are empty: a credit has only a tenant, a bill's line about many calls has
    nothing. Amounts are micros; corrections and credits may be negative, and so may
    `unknown_images`: a correction that gives an unknown cost takes the images off on its own day,
    where their cost is. Tests move no money, so they are not counted.
    """

    day = models.DateField()
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    is_demo = models.BooleanField(help_text="True for demo data, which nobody ordered or paid for.")
    model = models.CharField(max_length=100, blank=True)
    asked = models.CharField(max_length=16, blank=True)
    delivered = models.CharField(
        max_length=16, blank=True, help_text="The delivered size in pixels, as WxH."
    )
    quality = models.CharField(max_length=16, blank=True)
    channel = models.CharField(max_length=100, blank=True)
    images = models.BigIntegerField()
    captured_micros = models.BigIntegerField()
    refunded_micros = models.BigIntegerField()
    cost_micros = models.BigIntegerField(
        help_text="The cost first booked for delivered images, micro-USD."
    )
    corrections_micros = models.BigIntegerField(
        help_text="Later corrections of the cost of delivered images, micro-USD."
    )
    losses_micros = models.BigIntegerField(
        help_text="The cost first booked for calls that no tenant pays for, micro-USD."
    )
    loss_corrections_micros = models.BigIntegerField(
        help_text="Later corrections of the losses, micro-USD."
    )
    credited_micros = models.BigIntegerField(help_text="Credits and adjustments, micro-USD.")
    unknown_images = models.BigIntegerField(
        help_text="Delivered images whose cost was unknown at settlement."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "day", "tenant", "is_demo", "model", "asked", "delivered", "quality", "channel",
                ],
                name="sold_once_a_day",
                nulls_distinct=False,
            )
        ]  # fmt: skip

    @override
    def __str__(self) -> str:
        return f"{self.day} {self.model} {self.asked} {self.quality}"


class SoldUntil(models.Model):
    """The id up to which transfers are counted in `SoldDay`. There is one row.

    Locked while transfers are added or counted again.
    """

    ROW = 1

    transfer_id = models.BigIntegerField(default=0)
    until = models.DateTimeField(
        null=True, help_text="The time up to which all transfers are counted."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="sold_until_is_one_row")
        ]

    @override
    def __str__(self) -> str:
        return f"until {self.until}"
