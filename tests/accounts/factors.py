"""Signing in with a second factor, step by step."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.mfa.models import Authenticator
from django.db.models import F
from django.test import Client

from accounts.models import Mail
from tests.accounts.sign_ups import PASSWORD

SET_UP = "/accounts/2fa/totp/activate/"
ADDRESS = "/accounts/2fa/totp/address/"
CODES = "/accounts/2fa/recovery-codes/"
OFF, CHANGE = "/accounts/2fa/totp/deactivate/", "/accounts/password/change/"
SHOW = "/accounts/2fa/reauthenticate/"
PAGE, EVERYWHERE = "/accounts/2fa/", "/accounts/logout/everywhere/"
ASK = "/accounts/2fa/authenticate/"


def sign_in(browser: Client, following: str = "/ops/staff/") -> Any:
    form = {"login": "Root@example.com", "password": PASSWORD, "next": following}
    return browser.post("/accounts/login/", form)


def mailed_code(browser: Client) -> str:
    """Have a code mailed, which precedes a first app of staff; return it."""
    browser.post(ADDRESS, {"action": "resend"})
    return Mail.objects.latest("created_at").subject.removeprefix("Your code: ")


def confirm(browser: Client, following: str = "") -> None:
    """Type the mailed code."""
    form = {"code": mailed_code(browser), "next": following}
    assert browser.post(ADDRESS, form)["Location"].partition("?")[0] == SET_UP


def minutes_pass(browser: Client, minutes: int) -> None:
    """Have this session show the factor, and all factors set up, that much earlier."""
    earlier = timedelta(minutes=minutes)
    Authenticator.objects.update(created_at=F("created_at") - earlier)
    session = browser.session
    for entry in session[AUTHENTICATION_METHODS_SESSION_KEY]:
        entry["at"] -= earlier.total_seconds()
    session.save()


def set_up(browser: Client, code: Callable[[str], str]) -> str:
    """Set up an app, a first one after the mailed code; return its secret."""
    if browser.get(SET_UP).status_code == 302:
        confirm(browser)
    page = browser.get(SET_UP)
    secret: str = re.findall(r"[A-Z2-7]{32}", page.content.decode())[0]
    assert browser.post(SET_UP, {"code": code(secret)}).headers["Location"] in {CODES, PAGE}
    return secret


def recovery_codes(browser: Client) -> list[str]:
    return re.findall(r"<li>(\d{8})</li>", browser.get(CODES).content.decode())
