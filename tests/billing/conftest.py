"""A tenant with 10 USD, its key, and short ways to hold and settle."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import pytest
from django.db import connection, transaction

from accounts.models import User
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.tenants import create_tenant
from billing.price_rows import BookRow
from billing.services import Hold, HoldLimits, end_hold
from billing.services.office.prices import draft_price_book
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.making.factories import place_hold

T = TypeVar("T")

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class LedgerCustomer:
    """A tenant and its key, as the ledger's callers see them."""

    def __init__(self, name: str, balance: int) -> None:
        self.tenant = create_tenant(name=name, opening_balance=Micros(balance), actor="test")
        self.key, self.plaintext = issue_api_key(tenant=self.tenant, name=name, actor="test")
        self.id: UUID = self.tenant.id

    def hold(self, amount: int, *, now: datetime = NOW, limits: HoldLimits | None = None) -> Hold:
        """Place a hold in its own transaction."""
        hold = Hold(self.id, self.key.id, new_uuid(), Micros(amount), now)
        with transaction.atomic():
            place_hold(
                tenant_id=hold.tenant_id,
                key_id=hold.key_id,
                generation_id=hold.generation_id,
                amount=hold.amount,
                now=now,
                limits=limits or HoldLimits(),
            )
        return hold

    def end(self, hold: Hold, captured: int) -> None:
        """End a hold in its own transaction."""
        with transaction.atomic():
            end_hold(hold=hold, captured=Micros(captured))


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def acme(db):
    return LedgerCustomer("acme", 10_000_000)


@pytest.fixture
def other(db):
    return LedgerCustomer("other", 5_000_000)


@pytest.fixture
def root():
    return User.objects.create_superuser("root@example.com", "correct horse battery")


@pytest.fixture
def pages(client, root):
    client.force_login(root)
    return client


@pytest.fixture
def draft(now):
    row = BookRow("gpt-image-2", "1024x1024", "low", Micros(5_880), 1024, 1024)
    return draft_price_book(name="standard", rows=[row], effective_from=now, actor="test")


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for work beside the test."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


def alone(work: Callable[[], T]) -> T:
    """Run on a connection of its own."""
    try:
        return work()
    finally:
        connection.close()


def waits_for_a_lock() -> bool:
    """True if a connection to this database waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        (count,) = cursor.fetchone()
    return bool(count)
