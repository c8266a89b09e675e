"""The reason for a step to safety: all that pausing, stopping or withdrawing asks for."""

from django import forms
from django.http import HttpRequest

from console.parts.acts import ActForm
from console.parts.form_fields import dressed

MAX_REASON_CHARS = 200
LACKS_REASON = f"Give a reason of at most {MAX_REASON_CHARS} characters."


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Reason", max_length=MAX_REASON_CHARS)


class StepForm(ActForm, ReasonForm):
    """The same, of an act."""


def reason_form(request: HttpRequest) -> ReasonForm:
    return dressed(ReasonForm(request.POST if request.method == "POST" else None))
