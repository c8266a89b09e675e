"""Vendors' bills, and each of their lines beside our own booking. Amounts are micro-USD."""

from datetime import datetime

from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from generation.models.offer import Channel


class VendorBill(models.Model):
    """A vendor's file with the charges for a channel's calls.

    The file's content is kept until its lines are read and none is in doubt.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Columns to confirm"
        WAITING = "waiting", "Being matched"
        DOUBTFUL = "doubtful", "In doubt"
        FAILED = "failed", "Not read"
        READY = "ready", "Matched"

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="bills")
    name = models.CharField(max_length=200, help_text="The name of the file.")
    digest = models.CharField(
        max_length=64, db_index=True, help_text="The file's SHA-256, hexadecimal."
    )
    size_bytes = models.BigIntegerField()
    content = models.BinaryField(null=True)
    mapping = models.JSONField(
        help_text="The column for each fact, as `Columns` in bills/mapping.py stores it."
    )
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    trouble = models.CharField(
        max_length=500,
        blank=True,
        default="",
        help_text="The reason why the file could not be read.",
    )
    doubts = models.JSONField(
        default=list, help_text="Possible mistakes, as `BillDoubt` in bills/doubts.py stores them."
    )
    by = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())
    asked_at = models.DateTimeField(null=True, help_text="When its matching was requested.")
    matched_at = models.DateTimeField(null=True)

    begins_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    lines_read = models.IntegerField(default=0)
    rounding = models.DecimalField(
        max_digits=30,
        decimal_places=12,
        default=0,
        help_text="The amount added by rounding, micro-USD.",
    )
    sums = models.JSONField(
        default=dict, help_text="For each outcome: [lines, billed micros, booked micros]."
    )
    # Kept by bills/decisions.py under the bill's lock: counting a million lines takes too long.
    taken_lines = models.IntegerField(default=0, db_default=0)
    taken_micros = models.BigIntegerField(
        default=0, db_default=0, help_text="The change of our cost by taken lines, micro-USD."
    )
    disputed_lines = models.IntegerField(default=0, db_default=0)

    @override
    def __str__(self) -> str:
        return f"{self.name} of {self.channel_id}"

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The span of its lines, the end excluded. Raises ValueError before they are read."""
        if self.begins_at is None or self.ends_at is None:
            raise ValueError("it is not read yet")
        return self.begins_at, self.ends_at


class BillLine(models.Model):
    """A line of a bill beside our booking, or one of our calls without a line.

    If several lines together give the cost of one call or one day, the first holds the sum and the
    others are its parts. A line that repeats another in every column stands for itself.
    """

    class Outcome(models.TextChoices):
        EQUAL = "equal", "Equal"
        DIFFERENT = "different", "Different"
        THEIRS = "theirs", "Theirs without ours"
        OURS = "ours", "Ours without theirs"
        PART = "part", "Part of another line"

    class Decision(models.TextChoices):
        TAKEN = "taken", "Taken"
        DISPUTED = "disputed", "Disputed"

    bill = models.ForeignKey(
        VendorBill, on_delete=models.CASCADE, related_name="lines", db_index=False
    )
    number = models.IntegerField(
        help_text="The line's number in the file, from 1; 0 for a call without a line."
    )
    key = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The line's own id, the same in every bill.",
    )
    same_row = models.CharField(
        max_length=16,
        blank=True,
        default="",
        help_text="A digest of the row's columns; empty if the line needs none.",
    )
    at = models.DateTimeField()
    item = models.CharField(
        max_length=200,
        blank=True,
        default="",
        help_text="The model or line item in the vendor's words.",
    )
    model = models.CharField(
        max_length=128, blank=True, default="", help_text="The upstream model named by the item."
    )
    request_id = models.CharField(max_length=200, blank=True, default="")
    n = models.IntegerField(null=True, help_text="The number of images.")
    exact = models.DecimalField(
        max_digits=30,
        decimal_places=12,
        null=True,
        help_text="The billed amount in micro-USD, before rounding.",
    )
    micros = models.BigIntegerField(
        default=0, help_text="The amount of this line of the file, micro-USD."
    )

    outcome = models.CharField(max_length=9, choices=Outcome, blank=True, default="")
    of = models.IntegerField(
        null=True, help_text="The number of the line that this one repeats or is part of."
    )
    theirs_micros = models.BigIntegerField(
        default=0, help_text="The billed amount of the line and its parts, micro-USD."
    )
    ours_micros = models.BigIntegerField(
        default=0, help_text="The booked amount, with corrections up to the matching, micro-USD."
    )
    is_unknown = models.BooleanField(default=False, help_text="True if our own cost is unknown.")
    attempt_id = models.UUIDField(null=True)
    trial_id = models.UUIDField(null=True)
    candidates = models.JSONField(
        default=list, help_text="Ids of calls that the line may belong to."
    )

    decision = models.CharField(max_length=8, choices=Decision, blank=True, default="")
    taken_micros = models.BigIntegerField(
        default=0, help_text="The change of our cost by taking the line, micro-USD."
    )
    takes = models.IntegerField(default=0, help_text="The number of times the line was taken.")
    words = models.CharField(
        max_length=200, blank=True, default="", help_text="The reason for the decision."
    )
    by = models.CharField(max_length=254, blank=True, default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["bill", "outcome", "id"], name="lines_of_bill"),
            models.Index(
                fields=["bill", "decision", "id"],
                name="lines_decided",
                condition=~models.Q(decision=""),
            ),
            models.Index(fields=["key"], name="lines_by_own_id"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.bill_id}:{self.number}"

    @property
    def difference(self) -> int:
        """The vendor's charge minus our booking; negative if the vendor charges less."""
        return self.theirs_micros - self.ours_micros

    @property
    def put_back_micros(self) -> int:
        """The change of the cost if the decision is put back."""
        return -self.taken_micros
