"""Seals, which show that a row was changed without the key. Pure except for the settings.

    seal = SHA-256(one-time key || SHA-256(previous seal || content))

A one-time key is HMAC-SHA-256 of the sealed row's name under `settings.LEDGER_KEY`, which is in no
database. PostgreSQL may be given a one-time key to seal content that only it knows at that moment;
the key seals nothing else. All seals and keys are 32 bytes.
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.conf import settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NOTHING_BEFORE = bytes(32)
"""The previous seal for content outside any chain, or first in one."""


def one_time_key(name: str) -> bytes:
    """Return the key that seals only the content with this name."""
    return hmac.digest(settings.LEDGER_KEY.encode(), name.encode(), "sha256")


def seal(key: bytes, *, previous: bytes, content: str) -> bytes:
    """Return the seal of content that follows the previous seal."""
    return sha256(key + sha256(previous + content.encode()).digest()).digest()


def microseconds(at: datetime) -> int:
    """Return a time as seals contain it: microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return the time that is `count` microseconds after 1970 began."""
    return _EPOCH + count * _MICROSECOND


def sql_microseconds(at: str) -> str:
    """Return the SQL expression for the microseconds of a timestamp since 1970."""
    return f"(extract(epoch FROM {at}) * 1000000)::bigint"
