"""Redis commands whose failures are raised unchanged, and statements that return one row."""

from typing import Any, NoReturn

from typing_extensions import override

from pictor.kit.database.loop_connections import fetch_async
from pictor.kit.database.prepared import Statement
from pictor.kit.redis.client import RedisCommand
from pictor.kit.running.pauses import Pause
from pictor.kit.words.untyped import Row


class Loud(Pause):
    """Raises the failure in place of leaving the server alone."""

    @override
    def begin(self, error: Exception) -> NoReturn:
        raise error


def command_of(*words: str, is_broker: bool = False) -> RedisCommand[Any]:
    """A command whose reply is returned as the server gives it."""
    return RedisCommand(words, lambda reply: reply, lambda: None, Loud(0, ""), is_broker)


async def first_row(text: str, *values: object) -> Row | None:
    """The first row of a statement on the loop's connections."""
    return await fetch_async(Statement(text, values, lambda row: row))
