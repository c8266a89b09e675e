"""The operator's pages, with signed-in members of staff."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    record_authentication,
)
from allauth.mfa.models import Authenticator
from django.conf import settings as site
from django.core.cache import cache
from django.test import Client, RequestFactory
from pytest_django import DjangoDbBlocker, Settings

from accounts.models import Membership, Tenant, User
from accounts.services.office.members import add_member
from pictor.kit.words import clock
from tests.making.seeds import sow
from tests.stack.databases import written_once

pytest.register_assert_rewrite("tests.console.ops.ladder.rungs")


@pytest.fixture(autouse=True)
def pages(owners_cookies: SimpleCookie, db: None, plain_static_files: None) -> None:
    """A test's changes are undone, also to limits; pages need no manifest of static files."""
    cache.clear()


@pytest.fixture(scope="module")
def sown(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Contracts and prices."""
    yield from written_once(django_db_blocker, sow)


@pytest.fixture(scope="module")
def owners_cookies(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[SimpleCookie]:
    """Cookies of an owner's session; the owner is there in all tests."""
    yield from written_once(django_db_blocker, lambda: new_owner().cookies)


@pytest.fixture
def owner(
    settings: Settings, owners_cookies: SimpleCookie, monkeypatch: pytest.MonkeyPatch
) -> Client:
    """A browser's session of an owner of the site, where staff need no second factor.

    A file's tests share the owner, and may open more pages a minute than a person.
    """
    monkeypatch.setattr("accounts.rates.buckets.PAGES_OF_PERSON", 10_000)
    settings.STAFF_MFA = False
    client = Client()
    client.cookies = deepcopy(owners_cookies)
    return client


def new_owner() -> Client:
    """A session of a new owner."""
    client = Client()
    client.force_login(User.objects.create_superuser("op@pictor.example", "correct horse"))
    return client


@pytest.fixture
def guarded(settings: Settings, owner: Client) -> Client:
    """A session of an owner with a second factor set up a day ago, which staff need."""
    settings.STAFF_MFA = True
    user = User.objects.get(email="op@pictor.example")
    app = Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    day = timedelta(days=1)
    Authenticator.objects.filter(pk=app.pk).update(created_at=app.created_at - day)
    return owner


def shown(client: Client, *, seconds_ago: float) -> None:
    """Record in the session that a code was typed this long ago."""
    request = RequestFactory().get("/")
    request.session = client.session
    user = User.objects.get(email="op@pictor.example")
    record_authentication(request, user, "mfa")
    entry = request.session[AUTHENTICATION_METHODS_SESSION_KEY][-1]
    entry["at"] -= seconds_ago
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [entry]
    request.session.save()


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(f"{role}@pictor.example", staff_role=role))
    return client


def member_of(tenant: Tenant, name: str, role: str = "owner") -> Client:
    """A session of a new active member of a tenant."""
    person = User.objects.create_user(
        f"{name}@acme.example",
        email_verified_at=clock.now(),
        terms_version=site.TERMS_VERSION,
    )
    add_member(tenant=tenant, user=person, role=Membership.Role(role), actor="test")
    client = Client()
    client.force_login(person)
    return client
