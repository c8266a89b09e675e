"""Each test of faults leaves the stack as it found it: whole."""

from collections.abc import Iterator

import pytest

from tests.processes import is_whole, until
from tests.servers import Stack


@pytest.fixture(autouse=True)
def whole_again(stack: Stack) -> Iterator[None]:
    """What a test killed is back before the next one looks at processes, or kills again."""
    yield
    until(lambda: is_whole(stack))
