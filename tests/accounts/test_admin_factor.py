"""Owners' remaining actions in the admin, and the second factor that each needs."""

import pytest
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.fixture
def root(client: Client, settings: Settings) -> Client:
    """Browser of an owner who has just shown their second factor."""
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
