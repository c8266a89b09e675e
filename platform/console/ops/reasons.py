"""What staff write beside an act: reasons, notes, and words for customers.

A step to safety, such as pausing, stopping or withdrawing, asks for its reason only.
"""

from typing import Any

from django import forms
from django.http import HttpRequest

from console.parts.acts import ActForm
from console.parts.form_fields import dressed

MAX_REASON_CHARS = 200
LACKS_REASON = f"Give a reason of at most {MAX_REASON_CHARS} characters."


def words_field(label: str = "Words for the customer", **more: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=MAX_REASON_CHARS, **more)


def note_field(**more: Any) -> forms.CharField:
    return words_field("Note for staff", **more)


def unread_note_field(**more: Any) -> forms.CharField:
    return note_field(help_text="The customer never reads it.", **more)


class ReasonForm(forms.Form):
    reason = words_field("Reason")


class StepForm(ActForm, ReasonForm):
    """The same, of an act."""


def reason_form(request: HttpRequest) -> ReasonForm:
    return dressed(ReasonForm(request.POST if request.method == "POST" else None))
