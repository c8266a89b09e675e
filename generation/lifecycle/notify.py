"""Bells: the doorbell that a generation is queued, and the wake-up that one is finished.

Both are hints that may be lost. Image workers also look for queued work, and web processes poll
for finished work. So a broker that is down is logged and never affects a caller.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from generation.channels.declaration import Task
from generation.lifecycle.claims import Queued
from generation.lifecycle.wakeups import answer_json, has_words
from generation.models import Generation
from generation.selectors import Finished
from pictor.kit.redis.client import Gathered, RedisCommand, send
from pictor.kit.running.pauses import Pause
from pictor.kit.words.untyped import Json, Row

FINISHED = "pictor:finished"
"""Pub/sub channel of wake-ups: a JSON list of generation ids, or of the objects of wakeups.py."""
MAX_TOLD_BYTES = 8192
"""Longer data is not sent along; the waiting web process reads it from the database."""
TASK = "generation.tasks.ring"
QUEUE = "images"

FORMAT, FORMAT_OF_SEVERAL = 1, 2
"""Formats of a doorbell: of one generation, as is a message without a number, and of a list."""
MOST_RUNG = 8
"""The most generations of one message, because one worker takes them all."""

_QUIET = Pause(1.0, "bells are not heard")
"""A dead broker must not slow anything down."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A doorbell's message: the queued generation, and the facts for its first call if plain."""

    queued: Queued
    model: str = ""
    size: str = ""

    @classmethod
    def of(cls, generation: Generation) -> "Ring":
        """The first bell of a generation; only a plain live one has model and size."""
        queued = Queued(generation.id, generation.tenant_id, generation.livemode)
        # A test's attempt may be refused, and images are fetched before the call (ADR 0028).
        is_plain = generation.task == Task.GENERATE and not generation.inputs
        if not (is_plain and generation.livemode):
            return cls(queued)
        return cls(queued, generation.model, generation.size)

    @classmethod
    def read_all(cls, arguments: Row, kwargs: Json) -> "list[Ring]":
        """Read a message. Raises ValueError, TypeError or AttributeError."""
        number = kwargs.get("format", FORMAT)
        if number not in {FORMAT, FORMAT_OF_SEVERAL}:
            raise ValueError("it is rung in another format")
        return [cls._read(one) for one in ([arguments] if number == FORMAT else arguments)]

    @classmethod
    def _read(cls, arguments: Row) -> "Ring":
        generation_id, tenant_id, livemode, *expected = arguments
        if not isinstance(livemode, bool):
            raise TypeError("live or not, it says neither")
        queued = Queued(UUID(generation_id), _tenant(tenant_id), livemode)
        return cls(queued, *(str(word) for word in expected))

    @property
    def arguments(self) -> tuple[str | bool, ...]:
        """The arguments of its message."""
        generation_id, tenant_id, livemode = self.queued
        expected = (self.model, self.size) if self.model else ()
        return (str(generation_id), str(tenant_id), livemode, *expected)


@lru_cache(maxsize=1024)
def _tenant(text: str) -> UUID:
    """Parse a tenant's id, cached because all its queued generations repeat it."""
    return UUID(text)


def doorbell_command(bells: Sequence[Ring]) -> RedisCommand[bool]:
    """The command that tells image workers that generations are queued.

    Its result is False if this failed.
    """
    shared = (bells[at : at + MOST_RUNG] for at in range(0, len(bells), MOST_RUNG))
    return RedisCommand(
        ("LPUSH", QUEUE, *(json.dumps(_message_of(some)) for some in shared)),
        read=lambda _: True,
        instead=lambda: False,
        pause=_QUIET,
        is_broker=True,
        failures=Exception,  # whatever the error, the generation is accepted
    )


def _message_of(bells: Sequence[Ring]) -> dict[str, object]:
    """The doorbell as Celery would send it, with the first generation's id as the message's."""
    message_id = str(bells[0].queued.generation_id)
    arguments: Row = tuple(bell.arguments for bell in bells)
    kwargs = {"format": FORMAT_OF_SEVERAL}
    if len(bells) == 1:  # as the release before reads it
        arguments, kwargs = arguments[0], {"format": FORMAT}
    chained = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    # Made here and not by Celery's sender; a test compares the two (ADR 0007).
    return {
        "body": base64.b64encode(json.dumps([arguments, kwargs, chained]).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": TASK,
            "id": message_id,
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": message_id,
            "parent_id": None,
            "argsrepr": repr(arguments),
            "kwargsrepr": repr(kwargs),
            "origin": "pictor",
            "ignore_result": None,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        },
        "properties": {
            "correlation_id": message_id,
            "reply_to": "",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": QUEUE},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": message_id,
        },
    }


_bells = Gathered(doorbell_command)


async def ring_async(bell: Ring) -> bool:
    """Ring the bell on the running loop, in one message with those of the same turn."""
    return await _bells.send(bell)


def ring(bell: Ring) -> bool:
    """Ring the bell, in this thread."""
    return send(doorbell_command([bell]))


def ring_all(waiting: Iterable[Queued]) -> None:
    """Ring for each; image workers also find generations without a bell."""
    for queued in waiting:
        ring(Ring(queued))


def wake(generation_ids: Iterable[UUID]) -> None:
    """Tell the web processes that generations are final."""
    send(_publish_command(json.dumps([str(generation_id) for generation_id in generation_ids])))


def wake_command(finished: Sequence[Finished]) -> RedisCommand[None]:
    """The command that tells the web processes that generations are final.

    It has the data of each answer, unless that is long or contains words of a prompt.
    """
    return _publish_command(f"[{', '.join(map(_told, finished))}]")


def _told(finished: Finished) -> str:
    told = "" if has_words(finished) else json.dumps(answer_json(finished))
    is_short = 0 < len(told) <= MAX_TOLD_BYTES
    return told if is_short else json.dumps(str(finished.generation.id))


_wake_ups = Gathered(wake_command)


async def wake_async(finished: Finished) -> None:
    """Tell the web processes on the running loop, in one message with those of the same turn."""
    await _wake_ups.send(finished)


def _publish_command(message: str) -> RedisCommand[None]:
    return RedisCommand(("PUBLISH", FINISHED, message), lambda _: None, lambda: None, _QUIET)
