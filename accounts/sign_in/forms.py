"""The form in which staff type their password: counted before anything is hashed."""

import hashlib
from typing import Any

from django.core.exceptions import ValidationError
from typing_extensions import override
from unfold.forms import AuthenticationForm

from accounts import rates
from pictor.kit.errors import RateLimited

THROTTLED = "throttled"


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
                "Too many sign-ins. Try again in %(seconds)s seconds.",
                code=THROTTLED,
                params={"seconds": error.retry_after},
            ) from None
        columns: dict[str, Any] = super().clean()
        return columns

    def retry_after(self) -> int | None:
        """Seconds until the next attempt is counted; None unless this one was one too many."""
        refusals = self.non_field_errors().as_data()
        waits = [error.params["seconds"] for error in refusals if error.code == THROTTLED]
        return max(waits, default=None)


def _name(text: str) -> str:
    """Short and without what was typed, for the limit's place on Redis."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
