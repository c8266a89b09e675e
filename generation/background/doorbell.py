"""The worker's end of the doorbell: from Celery's consumer straight to the loop.

Celery's own strategy would make a request of each message, hand it to a thread of the pool, send
its signals around the task and write two lines to the log, which cost a twelfth of a generation's
CPU. Nothing of it is wanted for an id that is only handed over. The queue asks for no
acknowledgements (pictor/celery.py): a message that is lost with its process is found as any that
nobody heard. Where no slot is free, the consumer waits, and other workers take the messages.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from celery.exceptions import InvalidTaskError

from generation.background import worker

Handler = Callable[..., None]


def hand_over(_task: Any, _app: Any, _consumer: Any) -> Handler:
    """Celery's hook `Task.Strategy`: what is done with each message of the task."""

    def handle(message: Any, *_: Any) -> None:
        try:
            (generation_id,), *_rest = message.payload
            found = UUID(generation_id)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidTaskError("it names no generation") from error
        worker.accept(found)

    return handle
