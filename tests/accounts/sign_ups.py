"""Addresses and forms of signing up, and the mailed codes."""

import re

from accounts.models import Mail

SIGN_UP, CODE = "/accounts/signup/", "/accounts/confirm-email/"
RESET, RESET_CODE = "/accounts/password/reset/", "/accounts/password/reset/confirm/"
SET, LOGIN = "/accounts/password/reset/complete/", "/accounts/login/"
PASSWORD = "correct-horse-battery"
FORM = {"email": "Ann@Example.com", "password1": PASSWORD, "terms": "on"}


def latest() -> Mail:
    found = Mail.objects.order_by("-id").first()
    assert found is not None
    return found


def code_in(mail: Mail) -> str:
    """The code, on a line of its own."""
    return str(re.findall(r"^ +(\S+)$", mail.text, re.MULTILINE)[0])
