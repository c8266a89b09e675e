"""Seals: what shows that a row was changed by somebody without the key. Pure but for the settings.

    seal = SHA-256(one-time key || SHA-256(previous seal || content))

A one-time key is HMAC-SHA-256 of what is sealed (its name) under `settings.LEDGER_KEY`, which is in
no database. PostgreSQL may be handed a one-time key, to seal what it alone knows at that moment:
the key is good for nothing else. All seals and keys are 32 bytes.
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.conf import settings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NOTHING_BEFORE = bytes(32)
"""The previous seal of what is in no chain."""


def one_time_key(name: str) -> bytes:
    """The key that seals what has this name, and nothing else."""
    return hmac.digest(settings.LEDGER_KEY.encode(), name.encode(), "sha256")


def seal(key: bytes, *, previous: bytes, content: str) -> bytes:
    """The seal of a content that follows the one sealed before."""
    return sha256(key + sha256(previous + content.encode()).digest()).digest()


def microseconds(at: datetime) -> int:
    """A time as seals have it: microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The time that has so many."""
    return _EPOCH + count * _MICROSECOND


def sql_microseconds(at: str) -> str:
    """The same as an SQL expression."""
    return f"(extract(epoch FROM {at}) * 1000000)::bigint"
