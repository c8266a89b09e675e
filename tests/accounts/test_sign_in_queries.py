"""Statements of the sign-up and sign-in pages, for every one in the URL map."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client
from django.urls import resolve

from accounts.models import Mail
from accounts.sign_in.urls import urlpatterns

PASSWORD = "correct-horse-battery"
QUERIES = 12
NO_PAGES = {
    *("mfa_download_recovery_codes", "sign_out_everywhere"),
    *("mfa_remove_webauthn", "account_name", "account_end_session", "account_end_others"),
}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

Most = Callable[[int], AbstractContextManager[object]]


class Visitor:
    """A browser that counts each page's statements."""

    def __init__(self, most: Most, seen: set[str]) -> None:
        self.client, self.seen, self._most = Client(), seen, most

    def see(self, *paths: str) -> None:
        """Open these pages below /accounts/."""
        for path in (f"/accounts/{path}" for path in paths):
            self.client.get(path)  # loaded once a process
            with self._most(QUERIES):
                answer = self.client.get(path)
            assert answer.status_code == 200, path
            self.seen.add(str(resolve(path).url_name))

    def send(self, path: str, **fields: str) -> None:
        """Send a form that is accepted."""
        assert self.client.post(f"/accounts/{path}", fields).status_code == 302, path


@pytest.fixture(autouse=True)
def open_house(settings: Any) -> Iterator[None]:
    settings.SIGN_UP = True
    cache.clear()
    yield
    cache.clear()


def latest_code() -> str:
    mail = Mail.objects.latest("id")
    return str(re.findall(r"^ +(\S+)$", mail.text, re.MULTILINE)[0])


def test_every_page_of_signing_in_asks_the_database_little(
    django_assert_max_num_queries, monkeypatch
):
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter([1_000]))
    seen: set[str] = set()
    ann = Visitor(django_assert_max_num_queries, seen)
    ann.see("login/", "signup/", "inactive/", "password/reset/", "password/reset/done/")
    ann.send("signup/", email="ann@example.com", password1=PASSWORD, terms="on")
    ann.see("confirm-email/")
    ann.send("confirm-email/", code=latest_code())
    ann.see("logout/", "password/change/", "reauthenticate/", "2fa/")
    ann.send("reauthenticate/", password=PASSWORD)
    ann.see("email/", "delete/")
    ann.see("2fa/totp/address/", "2fa/totp/activate/", "2fa/passkeys/add/")

    page = ann.client.get("/accounts/2fa/totp/activate/").content.decode()
    (secret,) = set(re.findall("[A-Z2-7]{32}", page))
    value = totp.hotp_value(secret, 1_000)
    ann.send("2fa/totp/activate/", code=totp.format_hotp_value(value))

    elsewhere = Visitor(django_assert_max_num_queries, seen)
    elsewhere.send("login/", login="ann@example.com", password=PASSWORD)
    elsewhere.see("2fa/authenticate/")
    codes = ann.client.get("/accounts/2fa/recovery-codes/").content.decode()
    elsewhere.send("2fa/authenticate/", code=re.findall(r"<li>(\d{8})</li>", codes)[0])
    elsewhere.see("2fa/", "2fa/reauthenticate/")
    elsewhere.send("reauthenticate/", password=PASSWORD)
    elsewhere.see("2fa/totp/deactivate/")
    elsewhere.see("2fa/recovery-codes/", "2fa/recovery-codes/generate/")

    forgetful = Visitor(django_assert_max_num_queries, seen)
    forgetful.send("password/reset/", email="ann@example.com")
    forgetful.see("password/reset/confirm/")
    forgetful.send("password/reset/confirm/", code=latest_code())
    forgetful.see("password/reset/complete/")

    assert seen == {str(urlpattern.name) for urlpattern in urlpatterns} - NO_PAGES
