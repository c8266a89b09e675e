"""Forms for incidents and maintenance; times are UTC."""

from typing import Any
from uuid import uuid4

from django import forms
from typing_extensions import override

from console.parts.form_fields import CheckboxesField, MomentField
from generation.oversight.incidents import (
    MAX_TITLE,
    MAX_UPDATE_CHARS,
    STAFF_STATES,
    IncidentWords,
    State,
    parts,
)


class SayForm(forms.Form):
    """The fields of every update; `once` is set with the form, so that a repeat is ignored."""

    words = forms.CharField(
        label="Words for customers",
        max_length=MAX_UPDATE_CHARS,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    next_update_at = MomentField(label="Next update by", required=False)
    mails = forms.BooleanField(label="Mail them", required=False)
    once = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def post(self, *, page: str) -> IncidentWords:
        """Return the cleaned update; `page` is the address of the status page."""
        typed = self.cleaned_data
        return IncidentWords(
            words=typed["words"],
            once=typed["once"],
            next_update_at=typed.get("next_update_at"),
            mails=typed["mails"],
            page=page,
        )


class UpdateForm(SayForm):
    state = forms.ChoiceField(
        label="State", choices=[(state.value, state.label) for state in STAFF_STATES]
    )


class CalmUpdateForm(SayForm):
    """A further update of maintenance; its state follows from its times unless it is ended now."""

    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "According to its times"), (State.RESOLVED.value, "It ends now")],
    )


class IncidentForm(SayForm):
    title = forms.CharField(label="Title", max_length=MAX_TITLE)
    parts = CheckboxesField(label="Parts")
    state = forms.TypedChoiceField(
        label="State",
        coerce=State,
        choices=[(state.value, state.label) for state in STAFF_STATES if state != State.RESOLVED],
        initial=State.INVESTIGATING.value,
    )

    @override
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["parts"] = CheckboxesField([(part, part) for part in parts()], label="Parts")

    def facts(self) -> dict[str, Any]:
        """Return what the cleaned form says beside its update, as services take it."""
        typed = self.cleaned_data
        own = {name: typed[name] for name in typed.keys() & {"state", "begins_at", "ends_at"}}
        return {"title": typed["title"], "touched": typed["parts"], **own}


class PlanForm(IncidentForm):
    state = None  # type: ignore[assignment]  # Django's way to leave a field out
    next_update_at = None  # type: ignore[assignment]  # as above
    begins_at = MomentField(label="Begins")
    ends_at = MomentField(label="Ends")
