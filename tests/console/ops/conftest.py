"""The operator's pages, by people of staff who are signed in."""

import pytest
from django.test import Client
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
