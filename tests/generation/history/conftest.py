"""An empty installation with the sandbox as its channel, and one whose demo has a past."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from accounts.keys import mint
from generation.management import seeding
from generation.management.seeding import SeedOptions


@pytest.fixture(scope="module")
def options(sandbox_server: str) -> Iterator[SeedOptions]:
    """The options of `make run`, with a running sandbox upstream."""
    url = f"{sandbox_server}/v1"
    with override_settings(EMBEDDED=True, EGRESS_ALLOW=frozenset({urlsplit(url).netloc})):
        yield SeedOptions(
            sandbox_url=url,
            demo_api_key=mint(),
            demo_email="demo@pictor.local",
            demo_password="8a1f-22c0-93be-771d",
            demo_history=True,
        )


@pytest.fixture(scope="module")
def past(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, options: SeedOptions
) -> Iterator[SeedOptions]:
    """The history, written once for a module and restored after each test."""
    with django_db_blocker.unblock(), transaction.atomic():
        assert "the demo tenant" in seeding.seed(options)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # uncommitted, so the planner would take the tables for empty
        with django_db_blocker.block():
            yield options
        transaction.set_rollback(True)


@pytest.fixture
def demo(past: SeedOptions, db: None) -> SeedOptions:
    """A demo workspace with its history; a test's changes are undone."""
    return past
