"""Notice of work to the short-work worker, which may get lost."""

import logging

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


def ring(task: str, *arguments: str) -> None:
    """Ask the short-work worker to run a task soon; log a warning if the broker is away.

    After a lost notice, the worker finds the work by its next look at the rows. Only a test of a
    route is not found so: its operator sees that it has not begun and asks again.
    """
    from kombu.exceptions import OperationalError  # noqa: PLC0415 - no command waits for them
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    try:
        # The caller of a notice that may get lost must not wait for the broker.
        import_string(settings.DOORBELL_APP).send_task(task, arguments, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("the message for %s could not be sent: %s", task, error)
