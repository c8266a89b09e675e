"""Secrets as the database has them: encrypted by the newest of PICTOR_ENCRYPTION_KEYS.

cryptography loads slowly, and most commands encrypt nothing: it is imported where it is used.
"""

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class WrongKey(Exception):
    """None of the installation's keys opens it."""


def encrypted(secret: str) -> str:
    """The secret as it is stored."""
    return _by(settings.ENCRYPTION_KEYS).encrypt(secret.encode()).decode()


def decrypted(stored: str) -> str:
    """The secret behind a stored one. Raises WrongKey."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as said above

    try:
        return _by(settings.ENCRYPTION_KEYS).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise WrongKey from None


def encrypted_anew(stored: str) -> str:
    """The same secret by the newest key. Raises WrongKey."""
    return encrypted(decrypted(stored))


def is_newest(stored: str) -> bool:
    """Whether the stored secret is encrypted by the first of the installation's keys."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as said above

    try:
        _by(settings.ENCRYPTION_KEYS[:1]).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def _by(keys: list[str]) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - as said above

    return MultiFernet([Fernet(key) for key in keys])
