"""Each test of faults leaves the stack whole."""

from collections.abc import Iterator

import pytest
from django.db import connections

from tests.stack.servers import Stack
from tests.stack.stack_processes import is_whole, until


@pytest.fixture(autouse=True)
def whole_again(stack: Stack) -> Iterator[None]:
    """Wait until killed parts are back before the next test looks at processes or kills again.

    This process's own connection to a killed database is closed, so that no test inherits it.
    """
    yield
    until(lambda: is_whole(stack))
    connections.close_all()
