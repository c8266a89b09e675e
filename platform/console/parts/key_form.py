"""The form of an API key: its name and its rules."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from typing_extensions import override

from accounts.models import SCOPES, ApiKey
from accounts.services.office.api_keys import KeyRules
from console.parts.compared_forms import ComparedForm
from console.parts.form_fields import (
    CheckboxesField,
    DollarsField,
    LimitField,
    LinesField,
    models_field,
    take_errors,
)
from console.parts.periods import UTC_ZONE
from pictor.kit.words import ids

SCOPE_WORDS = {
    "images:write": "Make, cancel and delete images",
    "images:read": "Read generations",
    "billing:read": "Read balance, usage and prices",
    "webhooks:write": "Manage webhooks",
    "keys:write": "Manage keys",
}
OVERLAP_WORDS = {
    "0": "at once",
    "1h": "in 1 hour",
    "24h": "in 24 hours",
    "3d": "in 3 days",
    "7d": "in 7 days",
}
"""How long an old secret stays valid after a rotation."""
RETURNED_AS = [
    ("", "As the model does"),
    (ApiKey.ResponseFormat.URL, "URL"),
    (ApiKey.ResponseFormat.B64_JSON, "Base64 (b64_json)"),
]
LAST_DAY = date(2099, 12, 31)
"""The API's limit, too; the end of year 9999 overflows in zones with an earlier midnight."""
ENDED = "The key is revoked or expired: create another one."
FIELD_OF = {
    "allowed_models": "models",
    "budget_day_micros": "budget_day",
    "budget_month_micros": "budget_month",
    "expires_at": "expires",
}
"""The form's field names of columns that have another name."""


LIVE, TEST = "live", "test"
MODES = [
    (LIVE, "Live: spends the balance"),
    (TEST, "Test: a sandbox draws the images, and nothing is charged"),
]


class KeyForm(ComparedForm):
    """A key's name and rules. An empty limit means no limit."""

    name = forms.CharField(max_length=100, label="Name")
    budget_month = DollarsField(label="Budget per month, USD")
    budget_day = DollarsField(label="Budget per day, USD")
    budget_warns_only = forms.BooleanField(required=False, label="Warn only")
    requests_per_minute = LimitField(label="Requests per minute")
    images_per_minute = LimitField(label="Images per minute")
    max_in_flight = LimitField(label="Requests at once")
    ip_ranges = LinesField(label="Addresses that it may be used from")
    expires = forms.DateField(
        required=False,
        label="Last day",
        validators=[MaxValueValidator(LAST_DAY)],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    default_response_format = forms.ChoiceField(
        required=False, label="Images are returned as", choices=RETURNED_AS
    )

    @override
    def __init__(self, *args: Any, most: Collection[str], **kwargs: Any) -> None:
        """Offer only the scopes in `most`."""
        super().__init__(*args, **kwargs)
        given = [(scope, SCOPE_WORDS[scope]) for scope in SCOPES if scope in most]
        self.fields["scopes"] = CheckboxesField(given, label="Permissions")
        self.fields["models"] = models_field(self.initial.get("models", ()))

    def rules(self) -> KeyRules:
        """The chosen rules. With no model ticked, every model is allowed."""
        apart = {"name", "models", "expires", "once", "mode"}
        data = {name: value for name, value in self.cleaned_data.items() if name not in apart}
        day = self.cleaned_data["expires"]
        return KeyRules(
            models=self.cleaned_data["models"] or None,
            expires_at=datetime.combine(day, time(23, 59, 59), UTC_ZONE) if day else None,
            **data,
        )

    def rules_for(self, key: ApiKey) -> KeyRules:
        """The chosen rules for this key; what they do not change stays exactly as it is.

        The form shows neither the time of an expiry nor the order of scopes and models.
        """
        rules = self.rules()
        same: dict[str, Any] = {}
        if key.expires_at and self.cleaned_data["expires"] == key.expires_at.date():
            same["expires_at"] = key.expires_at
        if set(rules.scopes) == set(key.scopes):
            same["scopes"] = key.scopes
        if set(rules.models or ()) == set(key.allowed_models or ()):
            same["models"] = key.allowed_models
        return replace(rules, **same)

    def take_errors(self, error: ValidationError) -> None:
        take_errors(self, error, FIELD_OF)


class NewKeyForm(KeyForm):
    """The form of a new key, with its mode, which never changes.

    `once` is set when the form is shown, and becomes the key's id.
    """

    once = forms.UUIDField(required=False, widget=forms.HiddenInput, initial=ids.new_uuid)
    mode = forms.ChoiceField(label="Mode", choices=MODES, initial=LIVE, widget=forms.RadioSelect)

    @property
    def is_test(self) -> bool:
        return bool(self.cleaned_data["mode"] == TEST)


def values_of(key: ApiKey) -> dict[str, Any]:
    columns = {name: column for column, name in FIELD_OF.items()}
    values = {
        name: getattr(key, columns.get(name, name)) for name in (*KeyForm.base_fields, "scopes")
    }
    expires = key.expires_at and key.expires_at.date()
    return {**values, "models": key.allowed_models or [], "expires": expires}
