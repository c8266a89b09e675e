"""Limits on what a tenant's tests store: bytes a day, and how long they are kept.

Tests cost nothing, so nothing else bounds them. Bytes are counted on Redis; while it is away they
are not counted.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.rates import on_redis
from pictor.kit.redis.client import RedisCommand
from pictor.kit.words.errors import InsufficientQuota

TESTS_KEPT = timedelta(hours=23)
"""The lifetime of tests' images and prompts, and of their webhook events; with the next hourly run
they are gone within a day. The rows of tests go 30 days later."""
ROWS_BYTES = 8 * 1024
"""The bytes counted for a test besides its images: its rows and those of its event."""
SENDING_BYTES = 2 * 1024
"""The bytes counted for an attempt to deliver a test's event: its row, with the answer."""


def used_up() -> InsufficientQuota:
    """The error for a test without room."""
    megabytes = settings.TEST_BYTES_PER_DAY // 1_000_000
    return InsufficientQuota(
        f"Tests in this workspace have stored {megabytes} MB today, the limit for a UTC day. They"
        " can go on at 00:00 UTC; live keys are not affected. Nothing was made or charged.",
        limit="tests",
    )


def count_test_command(tenant_id: UUID, size_bytes: int, *, now: datetime) -> RedisCommand[bool]:
    """A command that counts a test's bytes; true if the tenant's UTC day had room before."""
    day = now.astimezone(UTC).date()
    name = f"pictor:rate:{{{tenant_id}}}:tests:{day}"
    most = settings.TEST_BYTES_PER_DAY
    return on_redis.add_command(name, size_bytes, most=most, kept=timedelta(days=2))
