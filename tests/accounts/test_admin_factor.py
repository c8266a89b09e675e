"""What owners still do in the admin, and what of their second factor that asks for."""

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User

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
