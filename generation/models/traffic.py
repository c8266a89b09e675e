"""The health of channels: their events, and counts of calls. Nothing here is money."""

from django.db import models
from django.db.models import Q
from typing_extensions import override

from generation.models.offer import Channel


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
