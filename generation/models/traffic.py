"""Channels' events, counts of their calls, and usage by callers' tags. Nothing here is money."""

from django.db import models
from django.db.models import Q
from typing_extensions import override

from accounts.models import Tenant
from generation.models.offer import Channel

MAX_TAGS = 1000
"""The most tags of a tenant that a UTC day tells apart."""
MAX_TAG_CHARS = 500
"""Longer tags are told apart by their beginnings."""


class ChannelEvent(models.Model):
    """An event of a channel, made by an operator or seen by a worker. Kept for 30 days."""

    class Kind(models.TextChoices):
        """Breaker and gate events concern one worker."""

        BREAKER_OPENED = "breaker_opened"
        BREAKER_CLOSED = "breaker_closed"
        GATE_CLOSED = "gate_closed"
        GATE_OPENED = "gate_opened"
        ENABLED = "enabled"
        PAUSED = "paused"
        TRIAL = "trial"
        KEY_CHANGED = "key_changed"
        RESET = "reset"
        OTHER_MODEL = "other_model"

    # Without a constraint: 0.2.0 deletes channels and does not know of events.
    channel = models.ForeignKey(
        Channel,
        on_delete=models.CASCADE,
        related_name="events",
        db_constraint=False,
        db_index=False,
    )
    kind = models.CharField(max_length=16, choices=Kind)
    at = models.DateTimeField(db_index=True)
    model = models.CharField(
        max_length=64, blank=True, help_text="The model of the breaker; empty for all models."
    )
    worker = models.UUIDField(null=True, help_text="The image worker that saw it.")
    seconds = models.FloatField(
        null=True, help_text="Seconds for which the breaker first opened or the gate first closed."
    )
    actor = models.CharField(
        max_length=254, blank=True, help_text="The actor's name, as in the audit log."
    )
    words = models.CharField(
        max_length=300, blank=True, db_default="", help_text="The models asked for and answering."
    )

    class Meta:
        indexes = [
            models.Index(fields=["channel", "-at"], name="events_of_channel"),
            models.Index(
                fields=["worker", "channel", "model", "kind", "-at"],
                name="turns_of_workers",
                condition=Q(worker__isnull=False),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.channel_id} {self.kind} {self.at.isoformat()}"


class OpenBreaker(models.Model):
    """A breaker that a worker has opened: in all workers, one call per pause probes the channel.

    Those from before the channel's last reset no longer count.
    """

    # Without a constraint: 0.2.0 deletes channels and does not know of these rows.
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    reset_count = models.PositiveIntegerField(help_text="The channel's when it was opened.")
    model = models.CharField(max_length=64, blank=True, help_text="Empty for all models.")
    pause = models.FloatField(help_text="Seconds between two probes.")
    until = models.DateTimeField(help_text="The time from which on one call may probe it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "reset_count", "model"], name="breaker_opened_once"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.channel_id} {self.model} {self.until.isoformat()}"


class AttemptMinute(models.Model):
    """Live calls to a channel for one of our models that ended in one minute in one class.

    Counted from the attempts, without demo data, and kept for 48 hours.
    """

    minute = models.DateTimeField()
    # Without a constraint: 0.2.0 deletes channels and does not know of these counts.
    channel = models.ForeignKey(
        Channel, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    model = models.CharField(max_length=64)
    attempt_class = models.CharField(max_length=16)
    number = models.PositiveIntegerField()
    latency = models.JSONField(
        help_text="Counts of the calls' times, by bucket of billing.latency."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "channel", "model", "attempt_class"], name="minute_of_calls_once"
            )
        ]
        indexes = [models.Index(fields=["channel", "minute"], name="minutes_of_channel")]

    @override
    def __str__(self) -> str:
        return f"{self.minute.isoformat()} {self.channel_id} {self.attempt_class} {self.number}"


class TaggedDay(models.Model):
    """A UTC day's live generations of a tenant with one tag, or of one other part.

    The tag is what the caller sent as `user` or else as `safety_identifier`. A trigger moves a
    generation to `erased` in the transaction that forgets its words, and deletes empty rows, so no
    tag outlives the words (ADR 0066).
    """

    class Part(models.TextChoices):
        TAG = "tag", "A tag"
        NONE = "none", "No tag"
        FURTHER = "further", "Further tags"
        ERASED = "erased", "Erased"

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, db_index=False, related_name="+")
    day = models.DateField()
    part = models.CharField(max_length=8, choices=Part)
    tag = models.CharField(max_length=MAX_TAG_CHARS, blank=True)
    generations = models.BigIntegerField()
    failed = models.BigIntegerField()
    images = models.BigIntegerField()
    captured_micros = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "day", "part", "tag"], name="tagged_once_a_day"
            )
        ]

    @override
    def __str__(self) -> str:
        return f"{self.day} {self.part} {self.generations}"


class TaggedUntil(models.Model):
    """The id of the last transfer whose generation is counted in `TaggedDay`. There is one row.

    Locked while generations are counted or their words forgotten.
    """

    transfer_id = models.BigIntegerField(default=0)
    until = models.DateTimeField(null=True, help_text="The time up to which all are counted.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="tagged_until_is_one_row")
        ]

    @override
    def __str__(self) -> str:
        return f"until {self.until}"
