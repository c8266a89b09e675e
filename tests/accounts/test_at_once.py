"""Forms sent twice at once, by one person or two: the second is redirected, never a 500."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.services.office.people import create_user
from accounts.services.office.staff import remove_staff, set_staff_role
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from tests.accounts.conftest import until_waiting

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("open_house", "patient_connections"),
]

PASSWORD = "correct horse battery"
SIGN_UP, SET_UP = "/accounts/signup/", "/accounts/2fa/totp/activate/"


@pytest.fixture
def email() -> str:
    return f"{new_uuid().hex}@example.com"


@pytest.fixture
def root(email: str) -> Client:
    """Browser of a superuser who has just typed the password."""
    User.objects.create_superuser(f"root-{email}", PASSWORD)
    browser = Client()
    browser.post("/accounts/login/", {"login": f"root-{email}", "password": PASSWORD})
    return browser


def sent_at_once(
    pool: ThreadPoolExecutor, first: Callable[[], Any], browser: Client, path: str, **form: str
) -> Any:
    """Send a form that is validated before the first one's commit and written after it."""

    def send() -> Any:
        try:
            return browser.post(path, form)
        finally:
            connection.close()

    with transaction.atomic():
        first()
        waiting = pool.submit(send)
        until_waiting(1)
    return waiting.result()


def test_the_second_of_two_sign_ups_with_one_address_begins_again(pool, email):
    answer = sent_at_once(
        pool,
        lambda: create_user(email=email, password=PASSWORD, actor="test"),
        Client(),
        SIGN_UP,
        email=email,
        password1=PASSWORD,
        terms="on",
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, SIGN_UP)
    assert User.objects.filter(email=email).count() == 1


def test_a_factor_that_is_set_up_twice_is_set_up_once(pool, root, monkeypatch):
    page = root.get(SET_UP)
    (secret,) = set(re.findall("[A-Z2-7]{32}", page.content.decode()))
    (counter,) = totp.yield_hotp_counters_from_time()
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter([counter]))
    user = User.objects.get()

    answer = sent_at_once(
        pool,
        lambda: totp.TOTP.activate(user, secret),
        root,
        SET_UP,
        code=totp.format_hotp_value(totp.hotp_value(secret, counter)),
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, SET_UP)
    assert Authenticator.objects.filter(type=Authenticator.Type.TOTP).count() == 1


def bobs_browser(email: str, **facts: Any) -> tuple[User, Client]:
    bob = create_user(email=email, password=PASSWORD, actor="test", verified_at=clock.now())
    User.objects.filter(pk=bob.pk).update(**facts)
    browser = Client()
    browser.post("/accounts/login/", {"login": email, "password": PASSWORD})
    return bob, browser


def test_a_password_changed_meanwhile_gives_no_lost_role_back(pool, root, email):
    bob, browser = bobs_browser(email, staff_role="operator")

    sent_at_once(
        pool,
        lambda: remove_staff(user=bob, actor="test"),
        browser,
        "/accounts/password/change/",
        oldpassword=PASSWORD,
        password1="tr0ubador & 3",
        password2="tr0ubador & 3",
    )

    bob.refresh_from_db()
    assert (bob.staff_role, bob.check_password("tr0ubador & 3")) == ("", True)
    assert "/accounts/login/" in browser.get("/accounts/2fa/")["Location"]


def test_no_app_is_set_up_while_one_becomes_staff(pool, root, email, settings):
    settings.STAFF_MFA = True
    bob, browser = bobs_browser(email)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = browser.get(SET_UP)
    (secret,) = set(re.findall("[A-Z2-7]{32}", page.content.decode()))
    (counter, *_) = totp.yield_hotp_counters_from_time()

    sent_at_once(
        pool,
        lambda: set_staff_role(email=email, role="finance", actor="test"),
        browser,
        SET_UP,
        code=totp.format_hotp_value(totp.hotp_value(secret, counter)),
    )

    assert not Authenticator.objects.filter(user=bob).exists()
    assert "/accounts/login/" in browser.get("/accounts/2fa/")["Location"]


def test_the_second_of_two_staff_adding_one_person_is_told(pool, root, email):
    answer = sent_at_once(
        pool,
        lambda: create_user(email=email, password=None, actor="test"),
        root,
        reverse("ops:staff_add"),
        email=email,
        meant=email,
        role="support",
    )

    assert answer.status_code == 422
    assert "was made just now" in answer.content.decode()
