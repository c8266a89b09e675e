"""The objects of /v1/webhook_endpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from pictor.kit.endpoints.objects import ApiObject, Constant, PageObject, UnixSeconds, page_example
from webhooks.models import EVENTS, TEST, Delivery, DeliveryAttempt, WebhookEndpoint

ENDPOINT_ID = "whe_01m7xwfx9bf3vty34tyve35tm9"
DELIVERY_ID = "whd_01m7xwg3k2e8ks5v9m8jr0q2ab"
ENDPOINT_EXAMPLE: Mapping[str, Any] = {
    "id": ENDPOINT_ID,
    "object": "webhook_endpoint",
    "livemode": True,
    "url": "https://example.com/pictor",
    "events": ["generation.succeeded", "generation.failed"],
    "status": "enabled",
    "failing_since": None,
    "former_until": None,
    "created": 1_795_225_540,
}
DELIVERY_EXAMPLE: Mapping[str, Any] = {
    "id": DELIVERY_ID,
    "object": "webhook_delivery",
    "event": {
        "id": "evt_01m7xwg3k1f1qtz6c2a9x7n4de",
        "type": "generation.succeeded",
        "created": 1_795_225_544,
    },
    "status": "delivered",
    "next_attempt": None,
    "attempts": [
        {
            "created": 1_795_225_544,
            "http_status": 200,
            "error": None,
            "milliseconds": 87,
        }
    ],
}


@dataclass(frozen=True, slots=True)
class ShownEndpoint:
    """An endpoint for an answer, with its secret if that was just made."""

    endpoint: WebhookEndpoint
    secret: str | None = None

    @property
    def events(self) -> Sequence[str]:
        """The types of event it subscribes to."""
        return EVENTS if self.endpoint.events is None else self.endpoint.events


@dataclass(frozen=True, slots=True)
class ShownDelivery:
    """A delivery with its attempts."""

    delivery: Delivery
    attempts: Sequence[DeliveryAttempt] = ()

    @property
    def next_attempt(self) -> Any:
        """The time of the next attempt; None if there is none."""
        is_pending = self.delivery.state == Delivery.State.PENDING
        return self.delivery.due_at if is_pending else None


class EndpointObject(ApiObject):
    """An address that receives events about the workspace's generations and balance."""

    example = ENDPOINT_EXAMPLE

    id = serializers.CharField(source="endpoint.public_id")
    object = Constant("webhook_endpoint")
    livemode = serializers.BooleanField(
        source="endpoint.livemode",
        help_text="True if it receives live requests, false for tests; set by the key that created"
        " it.",
    )
    url = serializers.CharField(source="endpoint.url")
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS))
    status = serializers.ChoiceField(
        source="endpoint.status",
        choices=WebhookEndpoint.Status.values,
        help_text="`disabled`: by you, or because it answered 410. `paused`: it failed for 5 days.",
    )
    failing_since = UnixSeconds(
        source="endpoint.failing_since",
        allow_null=True,
        help_text="The first failed attempt since the last successful one.",
    )
    former_until = UnixSeconds(
        source="endpoint.previous_until",
        allow_null=True,
        help_text="When the secret from before the last rotation stops signing.",
    )
    created = UnixSeconds(source="endpoint.created_at")
    secret = serializers.CharField(
        required=False, help_text="The signing secret, shown only in this answer."
    )


class EndpointList(PageObject):
    """A page, newest first."""

    example = page_example(ENDPOINT_EXAMPLE)

    data = EndpointObject(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it


class DeletedEndpoint(ApiObject):
    """Nothing more is sent to this endpoint."""

    example = {"id": ENDPOINT_ID, "object": "webhook_endpoint", "deleted": True}

    id = serializers.CharField(source="public_id")
    object = Constant("webhook_endpoint")
    deleted = Constant(value=True)


class EventObject(ApiObject):
    """The event. Its id is the `webhook-id` of every attempt."""

    id = serializers.CharField(source="public_id")
    type = serializers.ChoiceField(choices=[*EVENTS, TEST])
    created = UnixSeconds(source="at")


class AttemptObject(ApiObject):
    """One attempt: its answer, or the reason that there was none."""

    created = UnixSeconds(source="at")
    http_status = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True, help_text="Null if there was an answer.")
    milliseconds = serializers.IntegerField(source="took_ms")


class AnsweredAttempt(AttemptObject):
    """The attempt with the answer's body."""

    answer = serializers.CharField(help_text="The first 64 KB of its body.")


class DeliveryObject(ApiObject):
    """One event for one endpoint. Attempts are kept for 30 days, those of tests for one."""

    example = DELIVERY_EXAMPLE

    id = serializers.CharField(source="delivery.public_id")
    object = Constant("webhook_delivery")
    event = EventObject(source="delivery.event")
    status = serializers.ChoiceField(source="delivery.state", choices=Delivery.State.values)
    next_attempt = UnixSeconds(allow_null=True)
    attempts = AttemptObject(many=True)


class WholeDelivery(DeliveryObject):
    """A delivery with its body and answers."""

    example = {
        **DELIVERY_EXAMPLE,
        "body": '{"type":"generation.succeeded","timestamp":1795225544,"data":{}}',
        "attempts": [{**DELIVERY_EXAMPLE["attempts"][0], "answer": "ok"}],
    }

    body = serializers.CharField(
        source="delivery.event.body", help_text="The same on every attempt; empty before the first."
    )
    attempts = AnsweredAttempt(many=True)


class DeliveryList(PageObject):
    """A page, newest first."""

    example = page_example(DELIVERY_EXAMPLE)

    data = DeliveryObject(many=True)  # type: ignore[assignment]  # as above


class ResentObject(ApiObject):
    """The number of deliveries that were started again."""

    example = {"object": "webhook_resend", "resent": 12}

    object = Constant("webhook_resend")
    resent = serializers.IntegerField()
