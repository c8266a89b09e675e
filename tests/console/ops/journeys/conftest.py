"""Journeys of operators in a real browser, on the stack."""

import pytest


@pytest.fixture(autouse=True)
def pages() -> None:
    """Those of the stack, with its database."""
