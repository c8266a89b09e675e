"""Endpoints of tenants and of the installation, events, deliveries, and each attempt.

An event is written in the transaction of its cause. Its id and body are the same on every attempt
and for every endpoint. Ids are UUIDv7, so an order by id is an order by time.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from typing_extensions import override

from accounts.models import SubjectOf, Tenant
from pictor.kit.words import ids

SUCCEEDED, FAILED, CANCELED = "generation.succeeded", "generation.failed", "generation.canceled"
BALANCE_LOW, BUDGET_THRESHOLD = "balance.low", "budget.threshold"
BALANCE_TOP_UP_FAILED = "balance.top_up_failed"
_BY_CARD = (BALANCE_TOP_UP_FAILED,) if settings.STRIPE_SECRET_KEY else ()
EVENTS = (SUCCEEDED, FAILED, CANCELED, BALANCE_LOW, BUDGET_THRESHOLD, *_BY_CARD)
"""The events that an endpoint can subscribe to."""
OF_MONEY = frozenset({BALANCE_LOW, BUDGET_THRESHOLD, BALANCE_TOP_UP_FAILED})
"""Events that only live endpoints receive: tests move no money."""
TEST = "webhook.test"
"""The event of a test that a person or key requests; endpoints cannot subscribe to it."""

MAX_URL_CHARS = 2048


class WebhookEndpoint(models.Model):
    """A url that a tenant or the installation wants events at. Its secrets are encrypted."""

    class Status(models.TextChoices):
        ENABLED = "enabled"
        DISABLED = "disabled"
        PAUSED = "paused"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    # Null: the installation's own (installation_endpoints.py).
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, related_name="webhook_endpoints"
    )
    # True: gets events of live requests; false: of tests. It never changes.
    livemode = models.BooleanField(default=True, db_default=True, editable=False)
    url = models.CharField(max_length=MAX_URL_CHARS)
    # Null: every event, including those of later versions.
    events = ArrayField(models.CharField(max_length=40), null=True)
    # Disabled: by a member or key, or by an answer 410. Paused: after days of failures.
    status = models.CharField(max_length=8, choices=Status, default=Status.ENABLED)
    secret = models.TextField(editable=False)
    # The secret before a rotation; it signs too until `previous_until`.
    previous_secret = models.TextField(blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, editable=False)
    # The first failed attempt since the last successful one.
    failing_since = models.DateTimeField(null=True, editable=False)
    # Characters of long answers kept on that day (UTC; outbox.py).
    answers_on = models.DateField(null=True, editable=False)
    answers_chars = models.IntegerField(default=0, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    public_id = ids.PublicId(ids.WEBHOOK_ENDPOINT)
    audited = SubjectOf("webhook_endpoint")

    @override
    def __str__(self) -> str:
        return self.public_id

    @property
    def is_enabled(self) -> bool:
        """True if events are sent there now."""
        return self.status == self.Status.ENABLED

    def wants(self, event_type: str) -> bool:
        """True if the endpoint subscribes to this type of event."""
        return self.events is None or event_type in self.events


class Event(models.Model):
    """An occurrence about a tenant's object, or one for an endpoint of the installation."""

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, related_name="+")
    livemode = models.BooleanField(default=True, db_default=True)
    type = models.CharField(max_length=40)
    # The id of a generation, endpoint, tenant, key or alert; the announcing module knows which.
    subject_id = models.UUIDField()
    at = models.DateTimeField()
    # Written before the first attempt, and never changed.
    body = models.TextField(blank=True)

    public_id = ids.PublicId(ids.EVENT)

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


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=ids.new_uuid, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    # Without a constraint: deleting an endpoint must not undo a concurrent settlement. Deliveries
    # to a deleted endpoint go with the hourly task.
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="deliveries",
    )
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    # Counted since its beginning, or since it was last sent again by hand.
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()

    public_id = ids.PublicId(ids.DELIVERY)

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


class DeliveryAttempt(models.Model):
    """One attempt at a delivery: the endpoint's answer, or why there was none."""

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
