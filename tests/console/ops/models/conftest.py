"""Models with channels and sales, for their pages."""

import pytest

from tests.seeds import sow


@pytest.fixture(autouse=True)
def offer(pages: None) -> None:
    sow()
