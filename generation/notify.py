"""Bells: the doorbell that a generation is queued, and the wake-up that one is finished.

Both are hints that may be lost. Queued work is also found by the image workers themselves, finished
work by the safety poll. So a broker that is down is logged and is never a caller's problem.
"""

import base64
import json
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from redis.exceptions import RedisError

from generation.channels.declaration import Task
from generation.claims import Queued
from generation.models import Generation
from generation.selectors import Finished
from generation.wakeups import has_words, told
from pictor.kit.moments import Steps, moment
from pictor.kit.redis_client import Asked

logger = logging.getLogger(__name__)

FINISHED = "pictor:finished"
"""Pub/sub channel of wake-ups: a JSON list of generation ids, or of what wakeups.py tells."""
MAX_TOLD_BYTES = 8192
"""What is longer is not carried, but read by whoever waits for it."""
TASK = "generation.tasks.ring"
QUEUE = "images"

FORMAT = 1
"""Of a doorbell; without a number it is 1."""

_BODY = '[%s, {"format": 1}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'
_MESSAGE = (
    json.dumps(
        {
            "body": "BODY",
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py",
                "task": TASK,
                "id": "ID",
                "shadow": None,
                "eta": None,
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": [None, None],
                "root_id": "ID",
                "parent_id": None,
                "argsrepr": "ARGS",
                "kwargsrepr": "{'format': 1}",
                "origin": "pictor",
                "ignore_result": None,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
            },
            "properties": {
                "correlation_id": "ID",
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": "ID",
            },
        }
    )
    .replace("%", "%%")
    .replace('"ID"', '"%(id)s"')
    .replace('"ARGS"', "%(arguments)s")
    .replace("BODY", "%(body)s")
)
"""What Celery would render anew for each message; a test compares the two."""

QUIET_SECONDS = 1.0
"""After a failure no bell is tried for this long: a dead broker must not slow anything down."""
_quiet_until = 0.0


@dataclass(frozen=True, slots=True)
class Ring:
    """What a doorbell says: who waits, and what a plain live one's first call depends on."""

    queued: Queued
    model: str = ""
    size: str = ""

    @classmethod
    def of(cls, generation: Generation) -> "Ring":
        """As it is first rung: without model and size for a test, or what images are sent with."""
        queued = Queued(generation.id, generation.tenant_id, generation.livemode)
        is_plain = generation.task == Task.GENERATE and not generation.inputs
        if not (is_plain and generation.livemode):
            return cls(queued)
        return cls(queued, generation.model, generation.size)

    @classmethod
    def read(cls, arguments: Sequence[Any], said: Mapping[str, Any]) -> "Ring":
        """As a message carries it. Raises ValueError, TypeError or AttributeError."""
        if said.get("format", FORMAT) != FORMAT:
            raise ValueError("it is rung in another format")
        generation_id, tenant_id, livemode, *expected = arguments
        if not isinstance(livemode, bool):
            raise TypeError("live or not, it says neither")
        queued = Queued(UUID(generation_id), _tenant(tenant_id), livemode)
        return cls(queued, *(str(word) for word in expected))

    @property
    def arguments(self) -> tuple[str | bool, ...]:
        """As a message carries it."""
        generation_id, tenant_id, livemode = self.queued
        expected = (self.model, self.size) if self.model else ()
        return (str(generation_id), str(tenant_id), livemode, *expected)


@lru_cache(maxsize=1024)
def _tenant(text: str) -> UUID:
    """One and the same for all that wait of a tenant."""
    return UUID(text)


@moment
def ring(bell: Ring) -> Steps[bool]:
    """Tell an image worker that a generation is queued. False when the broker did not take it."""
    global _quiet_until  # noqa: PLW0603 - one broker a process, seen the same by all its threads
    if time.monotonic() < _quiet_until:
        return False
    try:
        yield Asked(("LPUSH", QUEUE, _message_of(bell)), is_broker=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, the generation is accepted already
        _quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("the doorbell was not heard: %s", error)
        return False
    return True


def _message_of(bell: Ring) -> str:
    """The doorbell as it lies in its queue. The generation's id serves as the message's too."""
    arguments = bell.arguments
    body = base64.b64encode((_BODY % json.dumps(arguments)).encode()).decode()
    said = {"id": bell.queued.generation_id, "arguments": json.dumps(repr(arguments)), "body": body}
    return _MESSAGE % said


def ring_all(waiting: Iterable[Queued]) -> None:
    """Ring for each; what is not heard is found by the image workers."""
    for queued in waiting:
        ring(Ring(queued))


@moment
def wake(generation_ids: Iterable[UUID]) -> Steps[None]:
    """Tell the web processes that generations are final."""
    yield from _published(json.dumps([str(generation_id) for generation_id in generation_ids]))


@moment
def tell(finished: Finished) -> Steps[None]:
    """The same of one, with all that its caller is answered from, unless that has words in it."""
    message = "" if has_words(finished) else json.dumps([told(finished)])
    if 0 < len(message) <= MAX_TOLD_BYTES:
        yield from _published(message)
    else:
        yield from wake.steps([finished.generation.id])


def _published(message: str) -> Steps[None]:
    global _quiet_until  # noqa: PLW0603 - as in ring()
    if time.monotonic() < _quiet_until:
        return
    try:
        yield Asked(("PUBLISH", FINISHED, message))
    except RedisError as error:
        _quiet_until = time.monotonic() + QUIET_SECONDS
        logger.warning("the wake-up was not sent: %s", error)
