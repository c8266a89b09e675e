"""The recorder as a channel of the running stack: fixtures, as a pytest plugin."""

from collections.abc import Iterator

import pytest

from tests.customers.customer import Operator
from tests.fakes.recorder import Recorder, recording
from tests.stack.servers import Stack


@pytest.fixture(scope="module")
def channel(stack: Stack, operator: Operator) -> Iterator[Recorder]:
    """A channel before all others that takes every size."""
    with recording(stack.upstream_ports[1]) as recorder:
        where = ("--base-url", recorder.base_url, "--api-key", "upstream-secret")
        operator("channel", "set", "rec", *where, "--priority", "1", "--sizes", "all")
        operator("channel", "enable", "rec", "--untested")
        yield recorder
        operator("channel", "disable", "rec", "--yes")


@pytest.fixture
def upstream(channel: Recorder) -> Recorder:
    channel.requests.clear()
    channel.extra = {}
    channel.size = None
    return channel
