"""A channel's credential as it is stored: encrypted by the newest of the installation's keys."""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def encrypted(secret: str) -> str:
    """The credential as it is stored; nothing stays nothing."""
    return _fernet().encrypt(secret.encode()).decode() if secret else ""


def decrypted(stored: str) -> str:
    """The credential behind a stored one. Raises cryptography's InvalidToken for a foreign key."""
    return _fernet().decrypt(stored.encode()).decode() if stored else ""


def is_newest(stored: str) -> bool:
    """Whether the stored credential is encrypted by the first of the installation's keys."""
    try:
        Fernet(settings.ENCRYPTION_KEYS[0]).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True
