"""What writes to the database is repeated while that is away."""

import pytest
from django.db import InterfaceError, OperationalError

from pictor.kit import pools, retries

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("error", [OperationalError("away"), InterfaceError("away")])
async def test_what_must_be_written_is_written_once_the_database_is_back(monkeypatch, error):
    monkeypatch.setattr(pools, "_again", retries.calls(pause_seconds=0.0))
    answers = iter([error, error])

    def write(value: int) -> int:
        for away in answers:
            raise away
        return value

    assert await pools.surely(write, 7) == 7


async def test_an_error_of_the_write_itself_is_not_repeated():
    tries = []

    def write() -> None:
        tries.append(1)
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await pools.surely(write)
    assert tries == [1]
