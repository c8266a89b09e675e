"""Bytes that test keys may store in a UTC day, on the real Valkey and without it."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from accounts.rates.daily_bytes import count_test_command
from pictor.kit.redis.client import forget_client, send
from pictor.kit.words import ids

LATE = datetime(2026, 11, 25, 23, 59, tzinfo=UTC)
AFTER = datetime(2026, 11, 26, 0, 0, tzinfo=UTC)
CLOSED = "redis://127.0.0.1:1/0"


@pytest.fixture
def tenant_id(settings):
    """A tenant whose tests may store 1,000 bytes a day."""
    settings.TEST_BYTES_PER_DAY = 1_000
    forget_client()
    yield ids.new_uuid()
    forget_client()


def counted(tenant_id: UUID, size_bytes: int, now: datetime = LATE) -> bool:
    return send(count_test_command(tenant_id, size_bytes, now=now))


def test_the_last_byte_of_the_day_is_the_last(tenant_id):
    passed = [counted(tenant_id, size_bytes) for size_bytes in (999, 5_000, 0, 1)]

    assert passed == [True, True, False, False]


def test_another_tenant_and_the_next_day_have_room(tenant_id):
    counted(tenant_id, 1_000)

    assert counted(tenant_id, 1) is False
    assert counted(ids.new_uuid(), 1) is True
    assert counted(tenant_id, 1, now=AFTER) is True


def test_everything_passes_while_redis_is_away(tenant_id, settings):
    counted(tenant_id, 1_000)
    settings.REDIS_URL = CLOSED
    forget_client()

    assert [counted(tenant_id, 1_000) for _ in range(3)] == [True] * 3
