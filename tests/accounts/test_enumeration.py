"""No page and no timing shows whether an account exists: the same work is done either way."""

from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client

from accounts.models import Mail
from accounts.services.office.people import create_user
from tests.accounts.sign_ups import FORM, LOGIN, RESET, SIGN_UP

ADDRESS = "ann@example.com"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("open_house")]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Passwords hashed from now on: nearly all of a form's time."""
    passwords: list[str] = []
    encode = PBKDF2PasswordHasher.encode

    def noted(self: PBKDF2PasswordHasher, password: str, *rest: Any) -> str:
        passwords.append(password)
        return encode(self, password, *rest)

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", noted)
    return passwords


@pytest.mark.usefixtures("known_or_unknown")
@pytest.mark.parametrize(
    ("page", "form", "work"),
    [
        (SIGN_UP, FORM, (1, 1)),
        (RESET, {"email": ADDRESS}, (0, 1)),
        (LOGIN, {"login": ADDRESS, "password": "a wrong one"}, (1, 0)),
    ],
    ids=["sign-up", "reset", "sign-in"],
)
def test_the_same_is_hashed_and_mailed_for_who_is_known_and_who_is_not(hashed, page, form, work):
    hashed.clear()

    Client().post(page, form)

    assert (len(hashed), Mail.objects.filter(to=ADDRESS).count()) == work


def test_an_account_without_a_password_takes_as_long_as_any(hashed):
    create_user(email=ADDRESS, password=None, actor="test")

    Client().post(LOGIN, {"login": ADDRESS, "password": "a wrong one"})

    assert len(hashed) == 1
