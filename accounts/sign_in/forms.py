"""Forms for typing a password; each attempt is counted before anything is hashed."""

import hashlib
from typing import Any

from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import SignupForm as AllauthSignUpForm
from allauth.account.internal.flows.login import record_authentication
from django import forms
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from typing_extensions import override

from accounts import rates
from accounts.models import User
from accounts.services import record
from accounts.services.office.welcome import accept_terms
from pictor.kit.words.client_addresses import counted_address
from pictor.kit.words.errors import RateLimited

THROTTLED = "throttled"


class LimitedForm(forms.Form):
    """A form limited by account and by address, whether or not the password is right."""

    request: HttpRequest | None
    account_field: str

    @override
    def clean(self) -> dict[str, Any]:
        typed = str(self.data.get(self.add_prefix(self.account_field), "")).strip().lower()
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        try:
            rates.take_sign_in(account=_name(typed), address=_name(counted_address(address)))
        except RateLimited as error:
            raise ValidationError(
                "Too many sign-ins. Try again in %(seconds)s seconds.",
                code=THROTTLED,
                params={"seconds": error.retry_after},
            ) from None
        columns: dict[str, Any] = super().clean() or {}
        return columns

    def retry_after(self) -> int | None:
        """Seconds until the next attempt is allowed; None unless this one was over the limit."""
        refusals = self.non_field_errors().as_data()
        waits = [(error.params or {})["seconds"] for error in refusals if error.code == THROTTLED]
        return max(waits, default=None)


class LoginForm(LimitedForm, AllauthLoginForm):
    """The sign-in. Staff need no confirmed address, so they get in where no mail works."""

    account_field = "login"

    @override
    def clean(self) -> dict[str, Any]:
        """Reword the library's error, which here counts mails to an address not confirmed yet."""
        try:
            columns: dict[str, Any] = super().clean()
        except ValidationError as error:
            if error.code != "too_many_login_attempts":
                raise
            raise ValidationError(
                "Too many codes were mailed to this address. Try again in a minute."
            ) from None
        if self.user and self.user.staff_role:
            self._login.email_verification = EmailVerificationMethod.NONE
        return columns

    @override
    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        """Sign in. Staff set up a first app without typing the password of just now again."""
        if self.user.staff_role:
            record_authentication(request, self.user, "password", reauthenticated=True)
        response: HttpResponse = super().login(request, redirect_url=redirect_url)
        return response


class SignUpForm(AllauthSignUpForm):
    """An address, a password, and the terms."""

    terms = forms.BooleanField(label="I accept the terms")

    @override
    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Return the new person; if the address is known, None and the response to send.

        The password is hashed either way: otherwise the time would tell whether an account exists.
        """
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return saved

    @override
    def save(self, request: HttpRequest) -> User:
        """Return the new person, who has accepted the current terms."""
        user: User = super().save(request)
        ip = request.META.get("REMOTE_ADDR")
        record(user.audited, "user.sign_up", actor=user, after={"email": user.email}, ip=ip)
        accept_terms(user=user, version=settings.TERMS_VERSION, ip=ip)
        return user


def _name(text: str) -> str:
    """A short digest of the typed text, to name the limit on Redis."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
