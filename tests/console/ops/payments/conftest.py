"""A customer that pays by card, where a key is set."""

import pytest
from pytest_django import Settings

from tests.making.factories import PayingCustomer


@pytest.fixture(autouse=True)
def key(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_x"


@pytest.fixture
def acme(db: None) -> PayingCustomer:
    return PayingCustomer("acme", balance=30_000_000)
