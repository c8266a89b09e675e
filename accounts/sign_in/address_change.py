"""Another address, confirmed by a code at the present one and a code at the new one.

The session that asked holds both codes. They are good for 15 minutes and five tries.
"""

from datetime import UTC, datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.internal.cryptokit import compare_user_code
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.generic.edit import FormView
from typing_extensions import override

from accounts.models import User
from accounts.selectors.office.people import user_by_email
from accounts.services.office.people import change_person
from accounts.sign_in.account import HOME, by_self, person_of
from accounts.sign_in.address_codes import GOOD_FOR, take_try
from pictor.kit.words import clock

MAIL = "account/email/address_change"
WRONG = "Those are not the codes in the latest mails."
_STATE = "address_change"
"""The session's key: the new address, its code, the present one's, and their end in seconds."""


class NewAddressForm(forms.Form):
    """The address that somebody wants to have."""

    email = forms.EmailField(
        label="New address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def clean_email(self) -> str:
        return User.normalize_username(self.cleaned_data["email"])


class BothCodesForm(forms.Form):
    """The codes from both mails."""

    present = forms.CharField(label="Code mailed to the present address", max_length=20)
    new = forms.CharField(label="Code mailed to the new address", max_length=20)


class ChangeAddressView(FormView):  # type: ignore[type-arg]  # none at run time
    """The page that asks for a new address, and then for both codes."""

    template_name = "account/address_change.html"
    success_url = reverse_lazy("account_email")

    @override
    def get_form_class(self) -> type[Form]:
        return BothCodesForm if self._state else NewAddressForm

    @override
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "asked": self._state.get("email", "")}

    @override
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Read the form of the present step; staff have theirs changed by an owner of staff."""
        if "again" in request.POST or person_of(request).staff_role:
            request.session.pop(_STATE, None)
            return redirect(self.success_url)
        return super().post(request, *args, **kwargs)

    @override
    def form_valid(self, form: Form) -> HttpResponse:
        if not isinstance(form, BothCodesForm):
            self._mail_codes(form.cleaned_data["email"])
            return super().form_valid(form)
        state = self._state
        try:
            self._check(form, state)
            change_person(
                user=person_of(self.request), email=state["email"], **by_self(self.request)
            )
        except ValidationError as error:
            form.add_error(None, " ".join(error.messages))
            return self.form_invalid(form)
        self.request.session.pop(_STATE, None)
        messages.success(self.request, f"Your address is {state['email']} now")
        return redirect(HOME)

    @property
    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.request.session.get(_STATE, {})
        is_good = state and clock.now() < datetime.fromtimestamp(state["until"], UTC)
        return state if is_good else {}

    def _mail_codes(self, email: str) -> None:
        """Mail both codes; to an address that has an account already, that it has one."""
        adapter, user = get_adapter(self.request), person_of(self.request)
        codes = {name: adapter.generate_email_verification_code() for name in ("present", "new")}
        words = {"was": user.email, "becomes": email}
        adapter.send_mail(MAIL, user.email, {**words, "code": codes["present"]})
        if user_by_email(email) is None:
            adapter.send_mail(MAIL, email, {**words, "code": codes["new"]})
        else:
            adapter.send_account_already_exists_mail(email)
        until = (clock.now() + GOOD_FOR).timestamp()
        self.request.session[_STATE] = {**codes, "email": email, "until": until}

    def _check(self, form: BothCodesForm, state: dict[str, Any]) -> None:
        if not take_try(state["present"] + state["new"]):
            self.request.session.pop(_STATE, None)
            raise ValidationError("Too many wrong codes. Begin again.")
        typed = form.cleaned_data
        are_right = [
            compare_user_code(actual=typed[name], expected=state[name])
            for name in ("present", "new")
        ]
        if not all(are_right):
            raise ValidationError(WRONG)
