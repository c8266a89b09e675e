"""Typed passwords are counted by account and by address, before anything is hashed."""

import itertools
from collections.abc import Iterator

import pytest
from django.contrib.auth import hashers
from django.urls import reverse

from accounts.models import User
from accounts.rates.buckets import SIGN_INS_FROM_ADDRESS, SIGN_INS_OF_ACCOUNT
from pictor.kit.words.ids import new_uuid

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]

PASSWORD = "correct horse battery"
ADDRESSES = (f"2001:db8:0:{number:x}::1" for number in itertools.count(1))
"""Each in a network of its own."""


@pytest.fixture
def ann():
    return User.objects.create_superuser(f"{new_uuid().hex}@example.com", PASSWORD)


@pytest.fixture
def sign_in(client):
    def post(email: str, password: str, address: str) -> str:
        answer = client.post(
            reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR=address
        )
        words: str = answer.content.decode()
        if answer.status_code == 302:
            return "in"
        return OVER + words if answer.status_code == 429 else words

    return post


REFUSED, OVER = "Too many sign-ins. Try again in ", "429 "


def passed_before_refusal(attempts: Iterator[str]) -> int:
    """The number of attempts that pass before one is refused; a slow machine adds a few."""
    pages = list(itertools.takewhile(lambda page: not page.startswith(OVER), attempts))
    return len(pages)


def test_an_accounts_passwords_a_minute_are_limited_across_addresses(ann, sign_in):
    most = 3 * SIGN_INS_OF_ACCOUNT
    attempts = (sign_in(ann.email, "wrong", next(ADDRESSES)) for _ in range(most))

    assert SIGN_INS_OF_ACCOUNT <= passed_before_refusal(attempts) < most
    assert REFUSED in sign_in(ann.email.upper(), PASSWORD, next(ADDRESSES))


def test_an_addresss_passwords_a_minute_are_limited_across_accounts(ann, sign_in):
    address, most = next(ADDRESSES), 3 * SIGN_INS_FROM_ADDRESS
    of_its_network = (f"{address}{number:x}" for number in itertools.count(1))
    attempts = (
        sign_in(f"{number}-{ann.email}", "wrong", next(of_its_network)) for number in range(most)
    )

    assert SIGN_INS_FROM_ADDRESS <= passed_before_refusal(attempts) < most
    assert sign_in(ann.email, PASSWORD, address).startswith(OVER)
    assert sign_in(ann.email, PASSWORD, next(ADDRESSES)) == "in"


def test_nothing_is_hashed_for_who_is_refused(ann, sign_in, monkeypatch):
    most = 3 * SIGN_INS_OF_ACCOUNT
    passed_before_refusal(sign_in(ann.email, "wrong", next(ADDRESSES)) for _ in range(most))
    hashed = []
    for hasher in hashers.get_hashers():
        monkeypatch.setattr(hasher, "verify", lambda *words: hashed.append(words))
        monkeypatch.setattr(hasher, "encode", lambda *words, **more: hashed.append(words))

    assert REFUSED in sign_in(ann.email, PASSWORD, next(ADDRESSES))
    assert hashed == []


def test_a_refusal_says_when_to_try_again(ann, client, sign_in):
    most = 3 * SIGN_INS_OF_ACCOUNT
    passed_before_refusal(sign_in(ann.email, "wrong", next(ADDRESSES)) for _ in range(most))

    answer = client.post(reverse("account_login"), {"login": ann.email, "password": PASSWORD})

    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 60
