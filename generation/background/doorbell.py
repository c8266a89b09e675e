"""The worker's end of the doorbell: from Celery's consumer straight to the loop.

Celery's own strategy would make a request of each message, hand it to a thread of the pool, send
its signals around the task and write two lines to the log, which cost a twelfth of a generation's
CPU. Nothing of it is wanted for what is only handed over. The queue asks for no
acknowledgements (pictor/celery.py): a message that is lost with its process is found as any that
nobody heard. Where no slot is free, the consumer waits, and other workers take the messages.

Whoever answers it says so: every Celery worker has this module, and only an image worker the loop
with all that a generation goes through.
"""

from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError

from generation.notify import Ring

Handler = Callable[..., None]

_answer: Callable[[Ring], None] | None = None


def answered_by(answer: Callable[[Ring], None]) -> None:
    """From now on this process's doorbell rings there."""
    global _answer  # noqa: PLW0603 - one worker a process
    _answer = answer


def hear(ring: Ring) -> None:
    """Hand a generation to the process's loop. Raises RuntimeError outside an image worker."""
    if _answer is None:
        raise RuntimeError("this process is not an image worker")
    _answer(ring)


def hand_over(_task: Any, _app: Any, _consumer: Any) -> Handler:
    """Celery's hook `Task.Strategy`: what is done with each message of the task."""

    def handle(message: Any, *_: Any) -> None:
        try:
            arguments, *_rest = message.payload
            ring = Ring.read(arguments)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidTaskError("it names no generation") from error
        hear(ring)

    return handle
