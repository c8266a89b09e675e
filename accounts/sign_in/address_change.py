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
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.models import User
from accounts.selectors.office.people import user_by_email
from accounts.services.office.people import change_person
from accounts.sign_in.account import HOME, by_self, person_of
from accounts.sign_in.address_codes import GOOD_FOR, take_try
from pictor.kit.words import clock

MAIL = "account/email/address_change"
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


def change_address(request: HttpRequest) -> HttpResponse:
    """Ask for a new address, and then for both codes; an owner of staff changes that of staff."""
    if "again" in request.POST or person_of(request).staff_role:
        request.session.pop(_STATE, None)
    state: dict[str, Any] = request.session.get(_STATE, {})
    if state and clock.now() >= datetime.fromtimestamp(state["until"], UTC):
        state = {}
    is_sent = request.method == "POST" and bool({"email", "present"} & request.POST.keys())
    form = (BothCodesForm if state else NewAddressForm)(request.POST if is_sent else None)
    if form.is_valid() and not person_of(request).staff_role:
        try:
            return _change(request, form, state) if state else _mail_codes(request, form)
        except ValidationError as error:
            form.add_error(None, " ".join(error.messages))
    context = {"form": form, "asked": state.get("email", "")}
    return render(request, "account/address_change.html", context)


def _mail_codes(request: HttpRequest, form: forms.Form) -> HttpResponse:
    """Mail both codes; to an address that has an account already, that it has one."""
    adapter, user, email = get_adapter(request), person_of(request), form.cleaned_data["email"]
    codes = {name: adapter.generate_email_verification_code() for name in ("present", "new")}
    words = {"was": user.email, "becomes": email}
    adapter.send_mail(MAIL, user.email, {**words, "code": codes["present"]})
    if user_by_email(email) is None:
        adapter.send_mail(MAIL, email, {**words, "code": codes["new"]})
    else:
        adapter.send_account_already_exists_mail(email)
    until = (clock.now() + GOOD_FOR).timestamp()
    request.session[_STATE] = {**codes, "email": email, "until": until}
    return redirect("account_email")


def _change(request: HttpRequest, form: forms.Form, state: dict[str, Any]) -> HttpResponse:
    """Change the address. Raises ValidationError for a wrong code, and an address that is taken."""
    if not take_try(state["present"] + state["new"]):
        request.session.pop(_STATE, None)
        raise ValidationError("Too many wrong codes. Begin again.")
    typed = form.cleaned_data
    for name in ("present", "new"):
        if not compare_user_code(actual=typed[name], expected=state[name]):
            raise ValidationError("Those are not the codes in the latest mails.")
    change_person(user=person_of(request), email=state["email"], **by_self(request))
    request.session.pop(_STATE, None)
    messages.success(request, f"Your address is {state['email']} now")
    return redirect(HOME)
