"""API keys as text: minted, checked for shape, fingerprinted. Pure except for random numbers.

A key is its prefix, 32 random base62 characters (190 bits) and the CRC32 of all that in six base62
characters. So junk is refused without a database read, and secret scanners can match keys. Only
`digest` is stored. A server secret (the pepper) goes into it, so a stolen table does not help to
guess keys.
"""

import hmac
import secrets
import string
import zlib
from collections.abc import Sequence

PREFIX = "sk-pictor-"
TEST_PREFIX = "sk-pictor-test-"
OPERATOR_PREFIX = "ok-pictor-"
"""The beginning of a key for /ops/v1/, which belongs to no tenant."""
RANDOM_LENGTH = 32
CHECKSUM_LENGTH = 6

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LETTERS = frozenset(BASE62)
_TAIL_LENGTH = RANDOM_LENGTH + CHECKSUM_LENGTH
_VISIBLE_RANDOM = 4
NOT_OPENED = "not opened yet"
"""Shown in place of the beginning of a key that has no text yet."""


def mint(*, test: bool = False) -> str:
    """Return a fresh key, `sk-pictor-…` or `sk-pictor-test-…`. It is shown to its owner once."""
    return _mint(TEST_PREFIX if test else PREFIX)


def mint_for_operators() -> str:
    return _mint(OPERATOR_PREFIX)


def _mint(head: str) -> str:
    head += "".join(secrets.choice(BASE62) for _ in range(RANDOM_LENGTH))
    return head + _checksum(head)


def is_well_formed(key: str) -> bool:
    """True if this has the prefix, length, alphabet and checksum of a tenant's keys."""
    return _has_form(key, TEST_PREFIX if key.startswith(TEST_PREFIX) else PREFIX)


def is_for_operators(key: str) -> bool:
    """True if this has the form of a key for /ops/v1/."""
    return _has_form(key, OPERATOR_PREFIX)


def _has_form(key: str, prefix: str) -> bool:
    if not key.startswith(prefix) or len(key) != len(prefix) + _TAIL_LENGTH:
        return False
    if not _LETTERS.issuperset(key[len(prefix) :]):
        return False
    return key[-CHECKSUM_LENGTH:] == _checksum(key[:-CHECKSUM_LENGTH])


def digest(key: str, pepper: str) -> bytes:
    """The stored digest that replaces the key: 32 bytes of HMAC-SHA256."""
    return hmac.digest(pepper.encode(), key.encode(), "sha256")


def digests(key: str, newest: str, older: Sequence[str]) -> list[bytes]:
    """Every digest the key may be stored under, the one with the newest pepper first."""
    return [digest(key, pepper) for pepper in (newest, *older)]


def visible_prefix(key: str) -> str:
    """The beginning by which people tell their keys apart: `sk-pictor-7Qx2`."""
    prefixes = (TEST_PREFIX, OPERATOR_PREFIX)
    prefix = next((prefix for prefix in prefixes if key.startswith(prefix)), PREFIX)
    return key[: len(prefix) + _VISIBLE_RANDOM]


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    letters = []
    for _ in range(CHECKSUM_LENGTH):
        number, value = divmod(number, len(BASE62))
        letters.append(BASE62[value])
    return "".join(reversed(letters))
