"""The bodies and queries of /v1/webhook_endpoints."""

from accounts.services.office.api_keys import OVERLAPS
from pictor.kit.endpoints.bodies import (
    ApiBody,
    TextField,
    UnixTimeField,
    WordField,
    WordsField,
    optional,
)
from pictor.kit.endpoints.queries import AfterField, ApiQuery, PageLimitField
from pictor.kit.words import ids
from webhooks.models import EVENTS, MAX_URL_CHARS

USUAL_OVERLAP = "24h"
STATUSES = ("enabled", "disabled")


class NewEndpoint(ApiBody):
    """The address, and the events to send."""

    example = {
        "url": "https://example.com/pictor",
        "events": ["generation.succeeded", "generation.failed"],
    }

    url = TextField(
        max_length=MAX_URL_CHARS, help_text="An https url that resolves only to public addresses."
    )
    events = optional(
        WordsField, "Absent or null: every event, including ones added later.", words=EVENTS
    )


class EndpointChange(ApiBody):
    """Omitted fields stay; `events` null means every event."""

    example = {"status": "enabled"}

    null_counts = True

    url = TextField(required=False, max_length=MAX_URL_CHARS, help_text="As in a new endpoint.")
    events = optional(WordsField, "Null: every event, including ones added later.", words=EVENTS)
    status = WordField(
        required=False, help_text="Enabling an endpoint clears its failures.", words=STATUSES
    )


class SecretRotation(ApiBody):
    """How to rotate the secret."""

    example = {"overlap": "24h"}

    overlap = optional(
        WordField,
        f"How long the old secret signs too. Default {USUAL_OVERLAP}.",
        words=tuple(OVERLAPS),
    )


class Since(ApiBody):
    """The start of the time to resend."""

    example = {"since": 1_795_225_540}

    since = UnixTimeField(help_text="Unix seconds.")


class EndpointPage(ApiQuery):
    """A page of a list."""

    limit = PageLimitField()
    after = AfterField(ids.WEBHOOK_ENDPOINT, "a webhook endpoint")


class DeliveryPage(ApiQuery):
    """A page of a list."""

    limit = PageLimitField()
    after = AfterField(ids.DELIVERY, "a delivery")
