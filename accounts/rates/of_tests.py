"""What the tests of a tenant may leave behind: so many bytes a day, and for how long.

They cost nothing, so nothing else bounds them. Bytes are counted on Redis, and not while that is
away.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.rates import on_redis
from pictor.kit.redis.client import RedisCommand
from pictor.kit.words.errors import InsufficientQuota

TESTS_KEPT = timedelta(hours=23)
"""Images and words of tests, and what webhooks were told: with the next hourly run they are gone
within a day. The rows of tests go 30 days later."""
ROWS_BYTES = 8 * 1024
"""A test's bytes besides its images: its rows, with those of its event."""
SENDING_BYTES = 2 * 1024
"""The bytes of a try to deliver a test's event: its row, with the answer."""


def used_up() -> InsufficientQuota:
    """The message for a test without room."""
    megabytes = settings.TEST_BYTES_PER_DAY // 1_000_000
    return InsufficientQuota(
        f"The tests of this account have stored the {megabytes} MB that they may store a UTC day."
        " They go on at 00:00 UTC; live keys do now. Nothing was made or charged.",
        limit="tests",
    )


def counting_of_test(tenant_id: UUID, size_bytes: int, *, now: datetime) -> RedisCommand[bool]:
    """Count a test's bytes; whether the tenant's UTC day had room before."""
    day = now.astimezone(UTC).date()
    name = f"pictor:rate:{{{tenant_id}}}:tests:{day}"
    most = settings.TEST_BYTES_PER_DAY
    return on_redis.adding(name, size_bytes, most=most, kept=timedelta(days=2))
