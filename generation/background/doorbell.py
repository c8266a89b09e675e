"""The worker's end of the doorbell: from Celery's consumer straight to the loop.

Celery's own strategy would make a request of each message, hand it to a thread of the pool, send
its signals around the task and write two lines to the log, which cost a twelfth of a generation's
CPU. Nothing of it is wanted for what is only handed over. The queue asks for no
acknowledgements (pictor/celery.py): a message that is lost with its process is found as any that
nobody heard. Where no slot is free, the consumer waits, and other workers take the messages. One
that cannot be read, as of a web process of another release, has the worker look at what is queued.

Whoever answers it says so: every Celery worker has this module, and only an image worker the loop
with all that a generation goes through.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generation.lifecycle.notify import Ring

logger = logging.getLogger(__name__)

Handler = Callable[..., None]


@dataclass(slots=True)
class _Answered:
    """By whom this process's doorbell is answered."""

    answer: Callable[[Ring], None] | None = None
    look: Callable[[], None] | None = None
    was_unread: bool = False


_by = _Answered()


def answered_by(answer: Callable[[Ring], None], *, look: Callable[[], None]) -> None:
    """From now on this process's doorbell rings there; `look` is for bells that cannot be read."""
    _by.answer, _by.look = answer, look


def hear(payload: Any) -> None:
    """Hand a generation to the process's loop. Raises RuntimeError outside an image worker."""
    if _by.answer is None or _by.look is None:
        raise RuntimeError("this process is not an image worker")
    try:
        arguments, said, *_rest = payload
        ring = Ring.read(arguments, said)
    except (ValueError, TypeError, AttributeError) as error:
        if not _by.was_unread:  # said once: beside another release it may be so of every bell
            _by.was_unread = True
            logger.warning("a doorbell cannot be read, so the queue is looked at: %s", error)
        _by.look()
    else:
        _by.answer(ring)


def hand_over(_task: Any, _app: Any, _consumer: Any) -> Handler:
    """Celery's hook `Task.Strategy`: what is done with each message of the task."""

    def handle(message: Any, *_: Any) -> None:
        hear(message.payload)

    return handle
