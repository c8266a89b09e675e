"""Reading of a kept head of the ledger, for commands."""

from pathlib import Path

from django.core.management.base import CommandError

from billing.selectors.office.heads import Heads
from billing.signed_heads import BadHead, read_signed


def read_head(path: Path) -> Heads:
    """The heads in a file. Raises CommandError in one line."""
    try:
        return read_signed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from None
    except BadHead as error:
        raise CommandError(f"{path}: {error}") from None
