"""A code mailed to staff before they set up a first app: who knows only the password gets none.

The session that asked for the code holds it. It is good for 15 minutes and five tries.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.core.internal.cryptokit import compare_user_code
from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from pictor.kit.words import clock

MAIL = "account/email/address_code"
GOOD_FOR = timedelta(minutes=15)
MAX_TRIES = 5
_STATE = "address_code"
"""The session's key: a code and its end in seconds; `is_confirmed` once it was typed."""


def mail_code(request: HttpRequest) -> None:
    """Mail the signed-in person a fresh code; an earlier one ends."""
    adapter = get_adapter(request)
    code = adapter.generate_email_verification_code()
    adapter.send_mail(MAIL, request.user.email, {"code": code})  # type: ignore[union-attr]  # signed in
    request.session[_STATE] = {"code": code, "until": (clock.now() + GOOD_FOR).timestamp()}


def is_mailed(request: HttpRequest) -> bool:
    """True while a code can be typed."""
    return bool(_state(request))


def is_confirmed(request: HttpRequest) -> bool:
    """True if this session has typed a code that is still good."""
    return "is_confirmed" in _state(request)


def forget_code(request: HttpRequest) -> None:
    """End the code, and what it confirmed."""
    request.session.pop(_STATE, None)


def _state(request: HttpRequest) -> dict[str, Any]:
    state: dict[str, Any] = request.session.get(_STATE, {})
    is_good = state and clock.now() < datetime.fromtimestamp(state["until"], UTC)
    return state if is_good else {}


class AddressForm(forms.Form):
    """The code from the mail."""

    code = forms.CharField(label="Code from the mail", max_length=20)

    def clean_code(self) -> str:
        """Remember in the session that the right code was typed."""
        typed: str = self.cleaned_data["code"]
        request = context.request
        state = _state(request)
        if not state:
            raise ValidationError("That code has ended. Have another one mailed.")
        if not take_try(state["code"]):
            forget_code(request)
            raise ValidationError("Too many wrong codes. Have another one mailed.")
        if not compare_user_code(actual=typed, expected=state["code"]):
            raise ValidationError("That is not the code in the latest mail.")
        request.session[_STATE] = {**state, "is_confirmed": True}
        return typed


def take_try(code: str) -> bool:
    """Use up one of the tries of a code, also if several are made at once."""
    name = hashlib.sha256(code.encode()).hexdigest()[:32]
    seconds = GOOD_FOR.total_seconds()
    return any(cache.add(f"address-code:{name}:{n}", 1, seconds) for n in range(MAX_TRIES))
