"""What a test does as staff at /ops/, without a page."""

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.services import as_staff


@contextmanager
def at_ops() -> Iterator[None]:
    """Services called inside are told that staff act."""
    outside = as_staff.set(True)
    try:
        yield
    finally:
        as_staff.reset(outside)
