"""The form of an alert rule."""

from typing import Any, cast
from uuid import uuid4

from django import forms
from django.http import QueryDict
from typing_extensions import override

from console.parts.compared_forms import refuse_stale, stored_instead
from console.parts.form_fields import CheckboxesField, DollarsField, LinesField
from generation.models import AlertRule
from generation.oversight.alerts.rules import (
    MAX_HOURS,
    MAX_MINUTES,
    MAX_NAME,
    RuleValues,
    all_kinds,
    values_of,
)
from generation.oversight.conditions.kinds import title_of

NAMES = {"least_micros": "least"}
"""Names of fields in the form, if they differ from the rule's."""
_SAME = ("name", "least_minutes", "repeat_hours", "url")


class RuleForm(forms.Form):
    """The conditions, thresholds and destinations of a rule.

    `once` is set with the form, so that a repeat makes no second rule. `seen` is the digest of the
    rule as it was when the form was opened.
    """

    name = forms.CharField(label="Name", max_length=MAX_NAME)
    is_all = forms.BooleanField(
        label="Every kind, including those of later versions", required=False, initial=True
    )
    kinds = CheckboxesField(required=False, label="Kinds")
    least = DollarsField(label="Costs at least, USD", may_be_zero=True)
    least_minutes = forms.IntegerField(
        label="Open for at least, minutes", min_value=0, max_value=MAX_MINUTES, initial=0
    )
    repeat_hours = forms.IntegerField(
        label="Again while it is open, every (hours)",
        min_value=0,
        max_value=MAX_HOURS,
        initial=4,
    )
    mails = LinesField(label="E-mail addresses")
    url = forms.CharField(
        label="Webhook URL",
        required=False,
        widget=forms.URLInput(attrs={"placeholder": "https://example.com/pictor-alerts"}),
    )
    secret = forms.CharField(
        label="Signing secret",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    once = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [(kind, title_of(kind)) for kind in all_kinds()]
        self.fields["kinds"] = CheckboxesField(words, required=False, label="Kinds")

    def values(self, *, page: str) -> RuleValues:
        """Return the cleaned rule; `page` is the address of the console."""
        typed = self.cleaned_data
        return RuleValues(
            kinds=None if typed["is_all"] else typed["kinds"],
            least_micros=typed["least"],
            mails=typed["mails"] or (),
            page=page,
            **{name: typed[name] for name in (*_SAME, "secret")},
        )

    def refuse_stale(self) -> None:
        """Refuse the cleaned form of a rule that was changed since; sent again, it is accepted."""
        data = cast(QueryDict, self.data).copy()
        data["seen"] = self.cleaned_data["seen"] = self.initial["seen"]
        self.data = data
        refuse_stale(self, stored_instead(self))


def initial_of(rule: AlertRule) -> dict[str, Any]:
    """Return a rule as initial values of the form; its secret is never shown."""
    return {
        "is_all": rule.kinds is None,
        "kinds": rule.kinds or [],
        "least": rule.least_micros,
        "mails": rule.mails,
        "seen": values_of(rule).digest,
        **{name: getattr(rule, name) for name in _SAME},
    }
