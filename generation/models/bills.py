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
    name = models.CharField(max_length=200, help_text="Of the file.")
    digest = models.CharField(max_length=64, db_index=True, help_text="Its SHA-256.")
    size_bytes = models.BigIntegerField()
    content = models.BinaryField(null=True)
    mapping = models.JSONField(help_text="Which column is what: see bills/mapping.py.")
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    trouble = models.CharField(max_length=500, blank=True, default="", help_text="Why not read.")
    doubts = models.JSONField(default=list, help_text="What is perhaps wrong with it, in words.")
    by = models.CharField(max_length=254)
    created_at = models.DateTimeField(db_default=Now())
    asked_at = models.DateTimeField(null=True, help_text="When its matching was asked for.")
    matched_at = models.DateTimeField(null=True)

    begins_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    lines_read = models.IntegerField(default=0)
    rounding = models.DecimalField(
        max_digits=30, decimal_places=12, default=0, help_text="What rounding added, in micros."
    )
    sums = models.JSONField(default=dict, help_text="By outcome: lines, theirs, ours.")
    # Kept by bills/decisions.py under the bill's lock: counting a million lines takes too long.
    taken_lines = models.IntegerField(default=0, db_default=0)
    taken_micros = models.BigIntegerField(
        default=0, db_default=0, help_text="What taking lines changed."
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
    number = models.IntegerField(help_text="In the file, from 1; 0 of a call without a line.")
    key = models.CharField(
        max_length=200, blank=True, default="", help_text="Its own id: the same in every bill."
    )
    same_row = models.CharField(
        max_length=16, blank=True, default="", help_text="A digest of all its columns."
    )
    at = models.DateTimeField()
    item = models.CharField(max_length=200, blank=True, default="", help_text="In their words.")
    model = models.CharField(
        max_length=128, blank=True, default="", help_text="The upstream model that this means."
    )
    request_id = models.CharField(max_length=200, blank=True, default="")
    n = models.IntegerField(null=True, help_text="Images.")
    exact = models.DecimalField(
        max_digits=30, decimal_places=12, null=True, help_text="In micros, before it was rounded."
    )
    micros = models.BigIntegerField(default=0, help_text="Of this line of the file.")

    outcome = models.CharField(max_length=9, choices=Outcome, blank=True, default="")
    of = models.IntegerField(null=True, help_text="The line that this repeats or is part of.")
    theirs_micros = models.BigIntegerField(default=0, help_text="With its parts.")
    ours_micros = models.BigIntegerField(default=0, help_text="As corrected until then.")
    is_unknown = models.BooleanField(default=False, help_text="We did not know what it cost.")
    attempt_id = models.UUIDField(null=True)
    trial_id = models.UUIDField(null=True)
    candidates = models.JSONField(default=list, help_text="Calls of which it may be one's.")

    decision = models.CharField(max_length=8, choices=Decision, blank=True, default="")
    taken_micros = models.BigIntegerField(default=0, help_text="What taking it changed.")
    takes = models.IntegerField(default=0, help_text="How often it was taken.")
    words = models.CharField(max_length=200, blank=True, default="", help_text="Why.")
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
