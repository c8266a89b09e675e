"""Passkeys as a second factor: made, and shown. What no browser made is refused on the page."""

import json
from collections.abc import Mapping
from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.account.mixins import NextRedirectMixin
from allauth.mfa.base.views import ReauthenticateView
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import AddWebAuthnView
from cryptography.exceptions import InvalidSignature
from django import forms
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.generic.edit import FormView
from typing_extensions import override

from accounts.locks import user_for_update
from accounts.models import User
from accounts.sign_in.account import end_other_sessions
from accounts.sign_in.factors import factor_wanted_first

NOT_GOOD = "That passkey did not work here. Try again, or use another way."
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, InvalidSignature)
"""What the libraries raise for a credential that no browser made for this page."""


class NewPasskeyForm(AddWebAuthnForm):
    """A passkey and its name."""

    name = forms.CharField(required=False, max_length=60, label="Name")

    @override
    def clean(self) -> dict[str, Any]:
        try:
            columns: dict[str, Any] = super().clean()
        except _MALFORMED:
            raise ValidationError(NOT_GOOD) from None
        return columns


class _CarefulForm:
    """A form with a passkey that anybody may have made up."""

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]  # of the library's form
        except _MALFORMED:
            raise ValidationError(NOT_GOOD) from None


class PasskeyForm(_CarefulForm, AuthenticateWebAuthnForm):
    """A passkey shown at the sign-in."""


class PasskeyAgainForm(_CarefulForm, ReauthenticateWebAuthnForm):
    """A passkey shown again."""


class AddPasskeyView(NextRedirectMixin, AddWebAuthnView):
    """The page that makes a passkey; it ends other sessions, as the set-up of an app does."""

    form_class = NewPasskeyForm
    template_name = "mfa/passkey.html"

    @override
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if (first := factor_wanted_first(request)) is not None:
            return first
        raise_if_reauthentication_required(request, app="allauth.mfa")
        return FormView.dispatch(self, request, *args, **kwargs)

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {**super().get_context_data(**kwargs), **kwargs}
        return {**context, "options": options_of(context["js_data"]["creation_options"])}

    @override
    def get_success_url(self) -> str:
        page = "mfa_view_recovery_codes" if self.did_generate_recovery_codes else "mfa_index"
        return str(self.passthrough_next_url(reverse(page)))

    @override
    def form_valid(self, form: Form) -> HttpResponse:
        user = self.request.user
        if isinstance(user, User) and user_for_update(user.pk).sessions_ended > user.sessions_ended:
            return redirect(self.request.get_full_path())  # by a new role, for example
        response: HttpResponse = super().form_valid(form)
        end_other_sessions(self.request)
        return response


class FactorAgainView(ReauthenticateView):
    """The page that asks for the factor again: for a code, or for a passkey."""

    @override
    def get_form_class(self) -> type[Form]:
        if "credential" in self.request.POST:
            return PasskeyAgainForm
        form_class: type[Form] = super().get_form_class()
        return form_class

    @override
    def get_reauthentication_alternatives(self) -> list[dict[str, str]]:
        return []  # the page itself has both ways

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "options": options_of(auth.begin_authentication(self.request.user))}


def options_of(asked: Mapping[str, Any]) -> str:
    """What the browser is asked, as JSON; empty if the person has no passkey to show."""
    options = asked["publicKey"]
    is_of_none = "user" not in options and not options.get("allowCredentials")
    return "" if is_of_none else json.dumps(options, cls=DjangoJSONEncoder)
