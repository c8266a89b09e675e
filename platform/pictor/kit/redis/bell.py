"""Telling the short-work worker of work, which may not hear."""

import logging

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


def ring(task: str, *arguments: str) -> None:
    """Have a task done soon. What is not heard is found by the worker's next look at its rows.

    A test of a route is not: whoever asked for it sees that it has not begun, and asks again.
    """
    from kombu.exceptions import OperationalError  # noqa: PLC0415 - no command waits for them
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    try:
        import_string(settings.DOORBELL_APP).send_task(task, arguments, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("the bell for %s was not heard: %s", task, error)
