"""Stored credentials of channels, encrypted by the newest of the installation's keys."""

from pictor.kit.secrets import encryption
from pictor.kit.secrets.encryption import is_newest

__all__ = ["decrypted", "encrypted", "is_newest"]


def encrypted(secret: str) -> str:
    """The stored form of a credential; an empty one stays empty."""
    return encryption.encrypted(secret) if secret else ""


def decrypted(stored: str) -> str:
    """The credential behind a stored one. Raises WrongKey for a foreign key."""
    return encryption.decrypted(stored) if stored else ""
