"""Each test of faults leaves the stack as it found it: whole."""

from collections.abc import Iterator

import pytest
from django.db import connections

from tests.servers import Stack
from tests.stack_processes import is_whole, until


@pytest.fixture(autouse=True)
def whole_again(stack: Stack) -> Iterator[None]:
    """What a test killed is back before the next one looks at processes, or kills again.

    This process's own connection to a database that was killed is not left to the next test.
    """
    yield
    until(lambda: is_whole(stack))
    connections.close_all()
