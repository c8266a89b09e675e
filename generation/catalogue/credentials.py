"""A channel's credential as it is stored: encrypted by the newest of the installation's keys."""

from pictor.kit import encryption
from pictor.kit.encryption import is_newest

__all__ = ["decrypted", "encrypted", "is_newest"]


def encrypted(secret: str) -> str:
    """The credential as it is stored; nothing stays nothing."""
    return encryption.encrypted(secret) if secret else ""


def decrypted(stored: str) -> str:
    """The credential behind a stored one. Raises WrongKey for a foreign key."""
    return encryption.decrypted(stored) if stored else ""
