"""Models with channels and sales, for their pages."""

import pytest


@pytest.fixture(autouse=True)
def offer(sown: None) -> None:
    """Contracts and prices."""
