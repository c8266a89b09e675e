import asyncio

import pytest

from pictor.kit.running import retries

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Flaky:
    """Raises each of these in turn, then returns 'done'; counts its calls."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_a_failing_call_is_repeated_until_it_succeeds():
    flaky = Flaky(OSError(), OSError())

    assert await retries.calls(pause_seconds=0.001)(OSError, flaky) == "done"
    assert flaky.calls == 3


async def test_the_last_failure_is_raised_as_it_came():
    last = OSError("the third")
    flaky = Flaky(OSError(), OSError(), last)

    with pytest.raises(OSError, match="the third") as raised:
        await retries.calls(tries=3, pause_seconds=0.001)(OSError, flaky)

    assert raised.value is last


async def test_another_failure_is_not_tried_again():
    flaky = Flaky(KeyError("a bug"))

    with pytest.raises(KeyError):
        await retries.calls(pause_seconds=0.001)(OSError, flaky)

    assert flaky.calls == 1


async def test_pauses_are_equal_or_grow_up_to_the_longest(monkeypatch):
    pauses: list[float] = []

    async def at_once(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", at_once)
    equal, growing = Flaky(*[OSError()] * 3), Flaky(*[OSError()] * 3)

    await retries.calls(pause_seconds=0.05)(OSError, equal)
    await retries.calls(pause_seconds=0.05, longest_pause_seconds=0.12)(OSError, growing)

    assert pauses == pytest.approx([0.05, 0.05, 0.05, 0.05, 0.1, 0.12])


async def test_calls_end_when_their_time_has_run_out():
    flaky = Flaky(*[OSError()] * 1000)

    with pytest.raises(OSError):  # noqa: PT011 - any of them
        await retries.calls(seconds=0.05, pause_seconds=0.01)(OSError, flaky)

    assert 2 <= flaky.calls <= 10


async def test_a_cancelled_call_ends_at_once():
    flaky = Flaky(asyncio.CancelledError())

    with pytest.raises(asyncio.CancelledError):
        await retries.calls(pause_seconds=0.001)(OSError, flaky)

    assert flaky.calls == 1


async def test_a_repeated_call_logs_nothing(caplog):
    await retries.calls(pause_seconds=0.001)(OSError, Flaky(OSError()))

    assert caplog.records == []
