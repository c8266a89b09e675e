"""The bodies and queries of /v1/webhook_endpoints."""

from accounts.services import OVERLAPS
from pictor.kit.endpoints.bodies import (
    ApiBody,
    MomentField,
    TextField,
    WordField,
    WordsField,
    optional,
)
from pictor.kit.endpoints.queries import AfterField, ApiQuery, LimitField
from pictor.kit.words import ids
from webhooks.models import EVENTS, MAX_URL_CHARS

USUAL_OVERLAP = "24h"
STATUSES = ("enabled", "disabled")


class NewEndpoint(ApiBody):
    """Where to, and of what."""

    example = {
        "url": "https://example.com/pictor",
        "events": ["generation.succeeded", "generation.failed"],
    }

    url = TextField(max_length=MAX_URL_CHARS, help_text="https, leading to public addresses alone.")
    events = optional(WordsField, "Absent or null: every event, later ones too.", words=EVENTS)


class EndpointChange(ApiBody):
    """What is left out stays; `events` null is every event."""

    example = {"status": "enabled"}

    null_counts = True

    url = TextField(required=False, max_length=MAX_URL_CHARS, help_text="As when it is made.")
    events = optional(WordsField, "Null: every event, later ones too.", words=EVENTS)
    status = WordField(
        required=False, help_text="Enabling one that failed gives it a clean slate.", words=STATUSES
    )


class SecretRotation(ApiBody):
    """How the secret is rotated."""

    example = {"overlap": "24h"}

    overlap = optional(
        WordField,
        f"How long the former secret signs too. Usually {USUAL_OVERLAP}.",
        words=tuple(OVERLAPS),
    )


class Since(ApiBody):
    """From when on."""

    example = {"since": 1_795_225_540}

    since = MomentField(help_text="Unix seconds.")


class EndpointPage(ApiQuery):
    """A page of a list."""

    limit = LimitField()
    after = AfterField(ids.WEBHOOK_ENDPOINT, "a webhook endpoint")


class DeliveryPage(ApiQuery):
    """A page of a list."""

    limit = LimitField()
    after = AfterField(ids.DELIVERY, "a delivery")
