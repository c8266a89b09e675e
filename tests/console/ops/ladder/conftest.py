"""One world for all acts: each can be done in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.test.utils import override_settings
from pytest_django import DjangoDbBlocker, Settings

from billing.payments import provider
from pictor.kit.words import clock
from tests.console.ops.ladder.world import World, written
from tests.fakes.cards_in_memory import CardsInMemory
from tests.stack.databases import written_once


@pytest.fixture(scope="module", autouse=True)
def key() -> Iterator[None]:
    """One of a provider of payments by card: their lists and acts are declared only with it."""
    with override_settings(STRIPE_SECRET_KEY="sk_test_x"):
        yield


@pytest.fixture(scope="module")
def rows(
    key: None,
    sown: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    spool: Path = tmp_path_factory.mktemp("spool")
    yield from written_once(django_db_blocker, lambda: written(spool))


@pytest.fixture
def world(
    rows: World, owner: Client, settings: Settings, mailoutbox: list[EmailMessage],
    monkeypatch: pytest.MonkeyPatch,
) -> World:  # fmt: skip
    settings.SENDS_MAIL = True
    cards = CardsInMemory(clock.now())
    monkeypatch.setattr(provider, "card_provider", lambda: cards)
    return rows
