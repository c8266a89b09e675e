"""The operator's pages, by people of staff who are signed in."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

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
    """What a test changes is undone. Pages do without the manifest of static files."""


@pytest.fixture
def owner(settings: Settings) -> Client:
    """A browser's session of an owner of the site, where staff need no second factor."""
    settings.STAFF_MFA = False
    client = Client()
    client.force_login(User.objects.create_superuser("op@pictor.example", "correct horse"))
    return client


@pytest.fixture
def guarded(settings: Settings, owner: Client) -> Client:
    """Staff need a second factor, and this owner has had one for a day."""
    settings.STAFF_MFA = True
    user = User.objects.get(email="op@pictor.example")
    app = Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    day = timedelta(days=1)
    Authenticator.objects.filter(pk=app.pk).update(created_at=app.created_at - day)
    return owner


def shown(client: Client, *, seconds_ago: float) -> None:
    """As the session says it, once a code was typed so long ago."""
    request = RequestFactory().get("/")
    request.session = client.session
    user = User.objects.get(email="op@pictor.example")
    record_authentication(request, user, "mfa")
    entry = request.session[AUTHENTICATION_METHODS_SESSION_KEY][-1]
    entry["at"] -= seconds_ago
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [entry]
    request.session.save()


def said_by(answer: Any) -> str:
    """What a page's text says, without its tags; white space is one blank each."""
    return words_in(answer.content.decode())


def words_in(html: str) -> str:
    """The same of a part of a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
