"""Models with channels and sales, for their pages."""

import pytest

from tests.making.seeds import sow


@pytest.fixture(autouse=True)
def offer(pages: None) -> None:
    sow()
