"""A tenant, its key and a point in time."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.rates import on_redis
from accounts.rates.local import LocalBuckets
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.people import create_user
from accounts.services.office.tenants import create_tenant
from tests.accounts.factors import set_up, sign_in
from tests.accounts.sign_ups import PASSWORD
from tests.making.seeds import sow


@pytest.fixture
def now():
    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def open_house(settings, plain_static_files):
    """Open sign-up with 5 USD of credit, and throttles reset."""
    settings.SIGN_UP, settings.SIGN_UP_CREDIT = True, 5_000_000
    cache.clear()


@pytest.fixture(params=["known", "unknown"])
def known_or_unknown(request: pytest.FixtureRequest, db: None) -> None:
    """Run the test with and without an account of ann@example.com."""
    if request.param == "known":
        create_user(email="ann@example.com", password=PASSWORD, actor="test")


@pytest.fixture
def offered(db):
    """The seeded contracts and prices."""
    sow()


@pytest.fixture
def acme(db):
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def acme_key(acme):
    """The key's row and its secret."""
    return issue_api_key(tenant=acme, name="first", actor="test")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def staff_mfa(settings, monkeypatch):
    """Require the factor, and forget limits left by other tests, here and on Redis."""
    monkeypatch.setattr(on_redis, "_local", LocalBuckets())
    settings.STAFF_MFA = True
    settings.SECURE_SSL_REDIRECT = False
    cache.clear()


@pytest.fixture
def turns(monkeypatch):
    """Half minutes that pass when a code is made, and never by themselves."""
    now = count(1_000)
    current = [next(now)]
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter(current))

    def code(secret):
        current[0] = next(now)
        return totp.format_hotp_value(totp.hotp_value(secret, current[0]))

    return code


@pytest.fixture
def root():
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def browser():
    return Client()


@pytest.fixture
def secret(root, browser, turns):
    """The secret of the app set up by the signed-in person of this browser."""
    sign_in(browser)
    return set_up(browser, turns)


def until_waiting(count: int) -> None:
    """Wait until this many connections, which have to be patient, wait for this one's lock."""
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0] >= count:
                return
    raise AssertionError("they do not wait")
