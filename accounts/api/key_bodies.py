"""The bodies of /v1/api_keys."""

from accounts.models import SCOPES, ApiKey
from accounts.services.office.api_keys import OVERLAPS
from pictor.kit.endpoints.bodies import (
    ApiBody,
    FlagField,
    NumberField,
    TextField,
    UnixTimeField,
    UsdField,
    WordField,
    WordsField,
    optional,
)

USUAL_OVERLAP = "24h"
MAX_NAME_CHARS = 100
_MAX_LIMIT = 2**31 - 1


class KeyChange(ApiBody):
    """A key's name and rules. Omitted fields stay; null means no limit."""

    example = {"name": "ci", "models": ["gpt-image-2"], "requests_per_minute": None}

    null_counts = True

    name = TextField(required=False, max_length=MAX_NAME_CHARS, help_text="A name for people.")
    scopes = WordsField(required=False, help_text="Its permissions.", words=SCOPES)
    models = optional(WordsField, "Models that it may call; null for every model.")
    ip_ranges = optional(WordsField, "Addresses or networks that it may be used from.")
    expires_at = optional(UnixTimeField, "Unix seconds.")
    requests_per_minute = optional(NumberField, "Requests per minute.", least=1, most=_MAX_LIMIT)
    images_per_minute = optional(NumberField, "Images per minute.", least=1, most=_MAX_LIMIT)
    max_in_flight = optional(NumberField, "Requests in flight at once.", least=1, most=_MAX_LIMIT)
    budget_day = optional(
        UsdField, "Budget in USD per UTC day, a hard stop: a string such as `12.50`."
    )
    budget_month = optional(UsdField, "Budget in USD per UTC month, a hard stop.")
    budget_warns_only = FlagField(
        required=False,
        help_text="If true, the key's budgets only warn: requests go on beyond them, and owners"
        " and admins get a mail. A new key's default is false.",
    )
    default_response_format = WordField(
        required=False,
        help_text="Empty: the model's default.",
        words=tuple(ApiKey.ResponseFormat.values),
    )


class NewKey(KeyChange):
    """A new key's name and rules. Omitted fields are taken from the calling key.

    `keys:write` must be given by name.
    """

    example = {"name": "ci", "scopes": ["images:write"], "budget_month": "20.00"}

    livemode = FlagField(
        required=False,
        help_text="False creates a test key, which spends nothing. A test key can create only test"
        " keys.",
    )


class Rotation(ApiBody):
    """How to rotate a key."""

    example = {"overlap": "24h"}

    overlap = optional(
        WordField,
        f"How long the old secret keeps working. Default {USUAL_OVERLAP}.",
        words=tuple(OVERLAPS),
    )
