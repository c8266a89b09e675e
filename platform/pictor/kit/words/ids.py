"""Ids: UUIDv7 inside, `gen_01k…` outside; in order of time to 250 ns, then 62 random bits.

The 12 bits after the milliseconds are their fraction (RFC 9562, 6.2, method 3), so that lists have
what was made within one millisecond in its order, too. The public form is a prefix and the UUID's
128 bits in 26 characters of Crockford's base 32, which sorts as the UUID does. Neither Python 3.11
nor PostgreSQL 15 can make a UUIDv7.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NewType
from uuid import UUID

GenerationId = NewType("GenerationId", UUID)
TenantId = NewType("TenantId", UUID)

GENERATION = "gen"
IMAGE = "img"
KEY = "key"
WEBHOOK_ENDPOINT = "whe"
EVENT = "evt"
DELIVERY = "whd"
TENANT = "ten"
EXPORT = "exp"
REQUEST = "req"
SUPPORT_GRANT = "sup"

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_LAST_MILLISECOND = 253_402_300_799_000
_VALUES = {letter: value for value, letter in enumerate(ALPHABET)}


class PublicId:
    """A row's id as it is shown outside, `gen_01k…` for the prefix `gen`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __get__(self, row: Any, owner: object = None) -> str:
        return public(self._prefix, row.id)


def new_uuid() -> UUID:
    """Return a fresh UUIDv7: 48 bits of Unix milliseconds, 12 of their fraction, then random."""
    return _uuid(*divmod(time.time_ns(), 1_000_000))


def new_uuid_of(at: datetime) -> UUID:
    """Return a fresh UUIDv7 of a past time, for events recorded later."""
    return _uuid(int(at.timestamp() * 1000), at.microsecond % 1000 * 1000)


def _uuid(milliseconds: int, nanoseconds: int) -> UUID:
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= (nanoseconds << 12) // 1_000_000 << 64
    value |= 0b10 << 62
    return UUID(int=value | secrets.randbits(62))


def made_at(value: UUID) -> datetime:
    """Return a UUIDv7's time, to the millisecond; other ids give an arbitrary one before 10000."""
    milliseconds = min(value.int >> 80, _LAST_MILLISECOND)
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def first_at(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of a millisecond, which divides earlier ids from the others.

    For a time before 1970, return the smallest of all.
    """
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)


def about(value: UUID, *, before: timedelta, after: timedelta) -> tuple[UUID, UUID]:
    """Return the range of UUIDv7s made from `before` this one until `after` it, end excluded."""
    milliseconds = value.int >> 80
    first = milliseconds - before // timedelta(milliseconds=1)
    end = milliseconds + after // timedelta(milliseconds=1)
    return UUID(int=max(0, first) << 80), UUID(int=min(end, (1 << 48) - 1) << 80)


@lru_cache(maxsize=1024)  # a request writes three of them about four times each
def public(prefix: str, value: UUID) -> str:
    """Return the public id: ('gen', UUID) -> 'gen_01k…'."""
    number = value.int
    letters = [ALPHABET[(number >> shift) & 31] for shift in range((LENGTH - 1) * 5, -1, -5)]
    return f"{prefix}_{''.join(letters)}"


def pattern(prefix: str) -> str:
    """Return the JSON Schema pattern of public ids with this prefix."""
    return f"^{prefix}_[0-7][{ALPHABET}]{{{LENGTH - 1}}}$"


def parse(prefix: str, text: str) -> UUID | None:
    """Return the UUID behind a public id, or None for any other text."""
    head, separator, tail = text.partition("_")
    if head != prefix or not separator or len(tail) != LENGTH:
        return None
    number = 0
    for letter in tail:
        value = _VALUES.get(letter)
        if value is None:
            return None
        number = number << 5 | value
    return UUID(int=number) if number < 1 << 128 else None


def parse_either(prefix: str, text: str) -> UUID | None:
    """Return the UUID behind a public id or a plain UUID, since operators may type either."""
    return parse(prefix, text) or parse_uuid(text)


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID written as such, or None for any other text."""
    try:
        return UUID(text)
    except ValueError:
        return None
