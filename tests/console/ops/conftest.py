"""The operator's pages, with signed-in members of staff."""

from datetime import timedelta

import pytest
from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    record_authentication,
)
from allauth.mfa.models import Authenticator
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User


@pytest.fixture(autouse=True)
def pages(db: None, plain_static_files: None) -> None:
    """A test's changes are undone; pages need no manifest of static files."""


@pytest.fixture
def owner(settings: Settings) -> Client:
    """A browser's session of an owner of the site, where staff need no second factor."""
    settings.STAFF_MFA = False
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
