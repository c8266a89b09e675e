"""Ids: UUIDv7 inside, `gen_01k…` outside. Time-ordered and unguessable (74 random bits).

The public form is a prefix and the UUID's 128 bits in 26 characters of Crockford's base 32, which
sorts as the UUID does. Neither Python 3.11 nor PostgreSQL 15 can make a UUIDv7.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType
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


def new_uuid() -> UUID:
    """A fresh UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    return _uuid(time.time_ns() // 1_000_000)


def new_uuid_of(at: datetime) -> UUID:
    """A fresh UUIDv7 of that millisecond, for what is written down later than it happened."""
    return _uuid(int(at.timestamp() * 1000))


def _uuid(milliseconds: int) -> UUID:
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    random = secrets.randbits(74)
    value |= random >> 62 << 64
    value |= 0b10 << 62
    value |= random & ((1 << 62) - 1)
    return UUID(int=value)


def made_at(value: UUID) -> datetime:
    """The time in a UUIDv7, to the millisecond; of another id, any time up to the year 9999."""
    milliseconds = min(value.int >> 80, _LAST_MILLISECOND)
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def first_at(at: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond: between the ids made before it and the others.

    Before 1970, where there is none, the smallest of all.
    """
    milliseconds = max(0, int(at.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62)


def about(value: UUID, *, before: timedelta, after: timedelta) -> tuple[UUID, UUID]:
    """From where to before where the UUIDv7s are that were made so shortly before or after it."""
    milliseconds = value.int >> 80
    first = milliseconds - before // timedelta(milliseconds=1)
    end = milliseconds + after // timedelta(milliseconds=1)
    return UUID(int=max(0, first) << 80), UUID(int=min(end, (1 << 48) - 1) << 80)


@lru_cache(maxsize=1024)  # a request says three of them some four times each
def public(prefix: str, value: UUID) -> str:
    """('gen', UUID) -> 'gen_01k…'."""
    number = value.int
    letters = [ALPHABET[(number >> shift) & 31] for shift in range((LENGTH - 1) * 5, -1, -5)]
    return f"{prefix}_{''.join(letters)}"


def pattern(prefix: str) -> str:
    """What public ids with this prefix match, as JSON Schema has it."""
    return f"^{prefix}_[0-7][{ALPHABET}]{{{LENGTH - 1}}}$"


def parse(prefix: str, text: str) -> UUID | None:
    """The UUID behind a public id, or None for anything else."""
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
    """The same, or a UUID as it is: operators may type either."""
    found = parse(prefix, text)
    if found is None:
        try:
            return UUID(text)
        except ValueError:
            return None
    return found
