"""Endpoints of tenants and of the house, events, their deliveries, and each attempt at one.

An event is written in the transaction of what it tells of. Its id and body are the same on every
attempt and for every endpoint. Ids are UUIDv7, so an order by id is one by time.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts.models import Subject, Tenant
from pictor.kit.words import ids

SUCCEEDED, FAILED, CANCELED = "generation.succeeded", "generation.failed", "generation.canceled"
BALANCE_LOW = "balance.low"
EVENTS = (SUCCEEDED, FAILED, CANCELED, BALANCE_LOW)
"""What an endpoint can be told of."""
TEST = "webhook.test"
"""What is sent when somebody asks for a test; nobody subscribes to it."""

MAX_URL_CHARS = 2048


class WebhookEndpoint(models.Model):
    """Where a tenant or the house wants to be told. Its secrets are encrypted (kit/encryption)."""

    class Status(models.TextChoices):
        ENABLED = "enabled"
        DISABLED = "disabled"
        PAUSED = "paused"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    # Null: the house's own (house.py).
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, related_name="webhook_endpoints"
    )
    # Told of live requests, or else of tests; as it was made.
    livemode = models.BooleanField(default=True, db_default=True, editable=False)
    url = models.CharField(max_length=MAX_URL_CHARS)
    # Null: every event, those of later versions too.
    events = ArrayField(models.CharField(max_length=40), null=True)
    # Disabled: by a member or key, or by an answer 410. Paused: after days of failures.
    status = models.CharField(max_length=8, choices=Status, default=Status.ENABLED)
    secret = models.TextField(editable=False)
    # What the secret was before it was rotated; it signs too until then.
    previous_secret = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    # The first failed attempt since the last one that was taken.
    failing_since = models.DateTimeField(null=True, editable=False)
    # What was kept on that day (UTC) of answers that are long (outbox.py).
    answers_on = models.DateField(null=True, editable=False)
    answers_chars = models.IntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    @override
    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id outside: `whe_…`."""
        return ids.public(ids.WEBHOOK_ENDPOINT, self.id)

    @property
    def audited(self) -> Subject:
        """What audit events say of it."""
        return Subject("webhook_endpoint", self.public_id, self.tenant_id)

    @property
    def is_enabled(self) -> bool:
        """Whether anything is sent there now."""
        return self.status == self.Status.ENABLED

    def wants(self, event_type: str) -> bool:
        """Whether it is told of such events."""
        return self.events is None or event_type in self.events


class Event(models.Model):
    """Something that happened to a tenant's thing, or that the house is told of."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, related_name="+")
    livemode = models.BooleanField(default=True, db_default=True)
    type = models.CharField(max_length=40)
    # Whose: a generation's id, an endpoint's, a tenant's, an alert's; who announces it knows.
    subject_id = models.UUIDField()
    at = models.DateTimeField()
    # Written before the first attempt, and never changed.
    body = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "id"], name="webhook_event_by_tenant"),
            models.Index(
                fields=["id"], name="webhook_event_of_test", condition=models.Q(livemode=False)
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.public_id} {self.type}"

    @property
    def public_id(self) -> str:
        """The id outside, and what `webhook-id` says: `evt_…`."""
        return ids.public(ids.EVENT, self.id)


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    # Without a constraint: an endpoint that is deleted just now must not undo a settlement. What
    # was on its way to it goes with the hourly work.
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="deliveries",
    )
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    # Since it was begun, or was sent again by hand.
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="one_delivery_per_endpoint")
        ]
        indexes = [
            models.Index(fields=["endpoint", "id"], name="delivery_by_endpoint"),
            models.Index(
                fields=["endpoint", "due_at"],
                name="delivery_that_is_due",
                condition=models.Q(state="pending"),
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.public_id} {self.state}"

    @property
    def public_id(self) -> str:
        """The id outside: `whd_…`."""
        return ids.public(ids.DELIVERY, self.id)


class DeliveryAttempt(models.Model):
    """One try of a delivery: what the endpoint answered, or why there was no answer."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    http_status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=100, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["at"], name="delivery_attempt_by_time")]

    @override
    def __str__(self) -> str:
        return f"{self.delivery_id} at {self.at}"
