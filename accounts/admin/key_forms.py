"""The form of an API key: it parses, and shows what the service refuses."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from typing_extensions import override

from accounts.models import ApiKey
from accounts.services import check_models

if TYPE_CHECKING:
    _OfKey = forms.ModelForm[ApiKey]
else:
    _OfKey = forms.ModelForm  # generic for the type checker alone


class ApiKeyForm(_OfKey):
    """A key's name and rules."""

    @override
    def clean(self) -> dict[str, Any]:
        columns: dict[str, Any] = super().clean() or self.cleaned_data
        models = columns.get("allowed_models")
        if models != self.initial.get("allowed_models"):
            try:
                check_models(models)
            except ValidationError as error:
                self.add_error(None, error)
        return columns
