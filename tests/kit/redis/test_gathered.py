"""Commands of one turn of a loop are one command."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from pictor.kit.redis.client import Gathered, RedisCommand
from tests.kit.asking import command_of

pytestmark = pytest.mark.anyio


def made(sent: list[list[str]]) -> Gathered[str, bytes]:
    def echo_command(parts: Sequence[str]) -> RedisCommand[bytes]:
        sent.append(list(parts))
        return command_of("ECHO", " ".join(parts))

    return Gathered(echo_command)


async def test_what_is_sent_in_one_turn_is_one_command_and_each_has_its_result():
    sent: list[list[str]] = []
    gathered = made(sent)

    together = await asyncio.gather(*(gathered.send(part) for part in "abc"))
    alone = await gathered.send("d")

    assert (together, alone) == ([b"a b c"] * 3, b"d")
    assert sent == [["a", "b", "c"], ["d"]]


async def test_who_is_cancelled_takes_nothing_from_the_others():
    sent: list[list[str]] = []
    gathered = made(sent)
    leaving, staying = (asyncio.create_task(gathered.send(part)) for part in "ab")
    await asyncio.sleep(0)

    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving

    assert await staying == b"a b"
