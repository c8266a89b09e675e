"""A tenant, its key and a moment in time."""

from datetime import UTC, datetime

import pytest
from django.core.cache import cache

from accounts.services import create_tenant, issue_api_key
from tests.seeds import sow


@pytest.fixture
def now():
    return datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def open_house(settings, plain_static_files):
    """Anybody may sign up, and gets 5 USD; nobody is throttled by another test."""
    settings.SIGN_UP, settings.SIGN_UP_CREDIT = True, 5_000_000
    cache.clear()


@pytest.fixture
def offered(db):
    """The seeded contracts and prices."""
    sow()


@pytest.fixture
def acme(db):
    return create_tenant(name="acme", actor="test")


@pytest.fixture
def acme_key(acme):
    """The key's row and its text."""
    return issue_api_key(tenant=acme, name="first", actor="test")
