"""The recorder as a channel of the running stack: fixtures, as a pytest plugin."""

from collections.abc import Iterator

import pytest

from tests.contracts.recorder import OPENAI_SIZES, Recorder, recording
from tests.customer import Operator
from tests.servers import Stack


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


@pytest.fixture
def narrow(upstream: Recorder, operator: Operator) -> Iterator[Recorder]:
    """The only channel, and it makes OpenAI's three sizes alone."""
    operator("channel", "set", "rec", "--sizes", OPENAI_SIZES)
    operator("channel", "swap", "rec", "--untested")
    operator("channel", "disable", "sandbox", "--yes")
    yield upstream
    operator("channel", "enable", "sandbox")
    operator("channel", "set", "rec", "--sizes", "all")
    operator("channel", "swap", "rec", "--untested")
