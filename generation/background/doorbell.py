"""The worker's end of the doorbell: from Celery's consumer straight to the loop.

Celery's own strategy would make a request of each message, hand it to a thread of the pool, send
its signals around the task and write two lines to the log: a twelfth of a generation's CPU, and of
no use for a message that is only handed over. The queue asks for no acknowledgements
(pictor/celery.py): a generation whose message is lost with its process is found like any other with
a lost doorbell. While no slot is free, the consumer waits, and other workers take the messages.
After an unreadable message, such as one from a web process of another release, the worker looks for
queued generations.

The process that answers doorbells registers itself: every Celery worker imports this module, but
only an image worker imports the loop with all that a generation passes through.
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
    """This process's handlers of the doorbell."""

    answer: Callable[[Ring], None] | None = None
    look: Callable[[], None] | None = None
    was_unread: bool = False


_by = _Answered()


def answered_by(answer: Callable[[Ring], None], *, look: Callable[[], None]) -> None:
    """Send this process's doorbells to `answer`, and call `look` after an unreadable one."""
    _by.answer, _by.look = answer, look


def hear(payload: Any) -> None:
    """Hand generations to the process's loop. Raises RuntimeError outside an image worker."""
    if _by.answer is None or _by.look is None:
        raise RuntimeError("this process is not an image worker")
    try:
        arguments, kwargs, *_rest = payload
        rings = Ring.read_all(arguments, kwargs)
    except (ValueError, TypeError, AttributeError) as error:
        if not _by.was_unread:  # logged once: beside another release, every bell may be unreadable
            _by.was_unread = True
            logger.warning("a doorbell cannot be read, so the queue is checked: %s", error)
        _by.look()
    else:
        for ring in rings:
            _by.answer(ring)


def hand_over(_task: Any, _app: Any, _consumer: Any) -> Handler:
    """Celery's hook `Task.Strategy`: the handler of each message of the task."""

    def handle(message: Any, *_: Any) -> None:
        hear(message.payload)

    return handle
