"""Encryption of stored secrets, by the newest of PICTOR_ENCRYPTION_KEYS.

cryptography loads slowly and most commands do not need it, so it is imported where it is used.
"""

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class WrongKey(Exception):
    """None of the installation's keys decrypts the stored secret."""


def encrypted(secret: str) -> str:
    return _by(settings.ENCRYPTION_KEYS).encrypt(secret.encode()).decode()


def decrypted(stored: str) -> str:
    """Decrypt a stored secret. Raises WrongKey."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as said above

    try:
        return _by(settings.ENCRYPTION_KEYS).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise WrongKey from None


def encrypted_anew(stored: str) -> str:
    """Encrypt a stored secret again, by the newest key. Raises WrongKey."""
    return encrypted(decrypted(stored))


def is_newest(stored: str) -> bool:
    """True if a stored secret is encrypted by the first of the installation's keys."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as said above

    try:
        _by(settings.ENCRYPTION_KEYS[:1]).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def _by(keys: list[str]) -> "MultiFernet":
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 - as said above

    return MultiFernet([Fernet(key) for key in keys])
