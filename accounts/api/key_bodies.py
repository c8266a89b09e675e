"""The bodies of /v1/api_keys."""

from accounts.models import SCOPES, ApiKey
from accounts.services import OVERLAPS
from pictor.kit.endpoints.bodies import (
    ApiBody,
    FlagField,
    MomentField,
    NumberField,
    TextField,
    UsdField,
    WordField,
    WordsField,
    optional,
)

USUAL_OVERLAP = "24h"
MAX_NAME_CHARS = 100
_MAX_LIMIT = 2**31 - 1


class KeyChange(ApiBody):
    """A key's name and rules; what is left out stays, null is no limit."""

    example = {"name": "ci", "models": ["gpt-image-2"], "requests_per_minute": None}

    null_counts = True

    name = TextField(required=False, max_length=MAX_NAME_CHARS, help_text="For people.")
    scopes = WordsField(required=False, help_text="What it may do.", words=SCOPES)
    models = optional(WordsField, "The models it may call; null is every model.")
    ip_ranges = optional(WordsField, "Addresses or networks it may be used from.")
    expires_at = optional(MomentField, "Unix seconds.")
    requests_per_minute = optional(NumberField, "Requests a minute.", least=1, most=_MAX_LIMIT)
    images_per_minute = optional(NumberField, "Images a minute.", least=1, most=_MAX_LIMIT)
    max_in_flight = optional(NumberField, "Requests under way at once.", least=1, most=_MAX_LIMIT)
    budget_day = optional(UsdField, "USD a UTC day, a hard stop: a string such as `12.50`.")
    budget_month = optional(UsdField, "USD a UTC month, a hard stop.")
    budget_warns_only = FlagField(
        required=False,
        help_text="Left out of a new key: false. True: the key's budgets stop nothing. Requests"
        " pass beyond them, and owners and admins are told by mail.",
    )
    default_response_format = WordField(
        required=False,
        help_text="Empty: the model's.",
        words=tuple(ApiKey.ResponseFormat.values),
    )


class NewKey(KeyChange):
    """A new key's name and rules; what is left out is as with the key that asks.

    But `keys:write` is given only by name.
    """

    example = {"name": "ci", "scopes": ["images:write"], "budget_month": "20.00"}

    livemode = FlagField(
        required=False,
        help_text="False makes a test key, which spends nothing. A test key makes no others.",
    )


class Rotation(ApiBody):
    """How a key is rotated."""

    example = {"overlap": "24h"}

    overlap = optional(
        WordField,
        f"How long the former text works on. Usually {USUAL_OVERLAP}.",
        words=tuple(OVERLAPS),
    )
