"""Secrets as the database has them: encrypted by the newest of PICTOR_ENCRYPTION_KEYS."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def encrypted(secret: str) -> str:
    """The secret as it is stored."""
    return _fernet().encrypt(secret.encode()).decode()


def decrypted(stored: str) -> str:
    """The secret behind a stored one. Raises cryptography's InvalidToken for a foreign key."""
    return _fernet().decrypt(stored.encode()).decode()


def encrypted_anew(stored: str) -> str:
    """The same secret by the newest key. Raises InvalidToken as `decrypted` does."""
    return _fernet().rotate(stored.encode()).decode()


def is_newest(stored: str) -> bool:
    """Whether the stored secret is encrypted by the first of the installation's keys."""
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])
