"""The form in which staff type their password: counted before anything is hashed."""

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from typing_extensions import override
from unfold.forms import AuthenticationForm

from accounts import rates
from pictor.kit.errors import RateLimited


class SignInForm(AuthenticationForm):
    """Unfold's, with a limit by account and one by address, whoever is right about the password."""

    @override
    def clean(self) -> dict[str, Any]:
        typed = str(self.cleaned_data.get("username", "")).strip().lower()
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        try:
            rates.take_sign_in(account=_name(typed), address=_name(address))
        except RateLimited as error:
            raise ValidationError(
                f"Too many sign-ins. Try again in {error.retry_after} seconds.", code="throttled"
            ) from None
        columns: dict[str, Any] = super().clean()
        return columns


def _name(text: str) -> str:
    """Short and without what was typed, for the limit's place on Redis."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
