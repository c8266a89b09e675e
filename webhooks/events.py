"""Events posted to endpoints: the one definition of their body, and its documentation.

Each kind of event is described where its subject is rendered (generation/api/event_data.py,
billing/low_balance.py, billing/budget_threshold.py), and by the same objects.
"""

import json
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiWebhook
from rest_framework import serializers
from typing_extensions import override

from pictor.kit.endpoints.documents import described_event
from pictor.kit.endpoints.objects import ApiObject, Constant, UnixSeconds
from pictor.kit.words import ids
from webhooks.models import TEST, Event
from webhooks.signing import HEADERS

AT = 1_795_225_544
"""When the events of the examples happened."""


class Rendered(serializers.Field[Any, Any, Any, Any]):
    """JSON that an object has rendered already."""

    @override
    def to_representation(self, value: Any) -> Any:
        return value


class EventBody(ApiObject):
    """An event: the same on every attempt."""

    type = serializers.CharField()
    timestamp = UnixSeconds(source="at", help_text="When the event happened.")
    data = Rendered()  # type: ignore[assignment]  # a field, named as Standard Webhooks names it


def body_with(event: Event, data: Mapping[str, Any]) -> str:
    """The JSON text that is sent."""
    content = EventBody.render({"type": event.type, "at": event.at, "data": data})
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


class TestObject(ApiObject):
    """The endpoint that a test event is sent to."""

    object = Constant("webhook_endpoint")
    id = serializers.CharField(source="public_id")
    livemode = serializers.BooleanField()


def event_webhook(
    event_type: str, data: type[ApiObject], *, summary: str, about: str, example: Mapping[str, Any]
) -> OpenApiWebhook:
    """How the OpenAPI document describes events of a type; `example` is its data."""
    name = "".join(word.title() for word in event_type.replace("_", ".").split("."))
    body = type(
        f"{name}Event",
        (EventBody,),
        {
            "__doc__": about,
            "type": Constant(event_type),
            "data": data(),
            "example": {"type": event_type, "timestamp": AT, "data": example},
        },
    )
    return described_event(event_type, body, summary=summary, headers=HEADERS)


TESTED = event_webhook(
    TEST,
    TestObject,
    summary="A test",
    about="Requested in the console or by the API; nothing has happened.",
    example={
        "object": "webhook_endpoint",
        "id": f"{ids.WEBHOOK_ENDPOINT}_01m7xwfx9bf3vty34tyve35tm9",
        "livemode": True,
    },
)
