"""What owners still do in the admin, and what of their second factor that asks for."""

from datetime import timedelta

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User
from billing.services import draft_price_book
from pictor.kit import clock

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.fixture
def root(client: Client, settings: Settings) -> Client:
    """An owner's browser, which has shown their factor a moment ago."""
    settings.STAFF_MFA = True
    user = User.objects.create_superuser("root@example.com", "correct horse")
    Authenticator.objects.create(user=user, type="totp", data={"secret": "x"})
    client.force_login(user)
    request = RequestFactory().get("/")
    request.session = client.session
    record_authentication(request, user, "mfa")
    request.session.save()
    return client


def test_passwords_are_changed_where_everybody_changes_theirs(root):
    answers = [root.get("/admin/password_change/"), root.post("/admin/password_change/", {})]

    assert {answer.headers["Location"] for answer in answers} == {"/accounts/password/change/"}


@pytest.mark.parametrize(("minutes", "is_asked"), [(14, False), (16, True)])
def test_prices_are_published_by_who_showed_it_lately(root, monkeypatch, minutes, is_asked):
    book = draft_price_book(name="list", effective_from=clock.now(), actor="test")
    form = {"action": "publish", "_selected_action": [book.pk]}
    later = clock.now() + timedelta(minutes=minutes)
    monkeypatch.setattr(clock, "now", lambda: later)

    answer = root.post("/admin/billing/pricebook/", form)

    way = "/accounts/2fa/reauthenticate/?next=%2Fadmin%2Fbilling%2Fpricebook%2F"
    assert answer.headers.get("Location") == (way if is_asked else None)
    assert ("Charge these prices?" in answer.content.decode()) != is_asked
