"""One Celery worker process: `python -m pictor.runtime.celery_worker images|short`.

The same as `celery -A pictor.celery worker --pool threads …`, without the imports of Celery's
command line (an interactive shell among them), which would make every start slower, and with the
log of the settings from its first line on. A short-work worker needs PICTOR_DATA, for the schedule
file of its beat (worker_step.py).
"""

import logging
import sys

import django
from celery.app.utils import find_app
from celery.utils.nodenames import default_nodename, host_format

from pictor.runtime import worker_step  # noqa: F401 - its signals, before the worker is made

THREADS = {"images": 1, "short": 4}
"""Threads of the pool by queue; an image worker's doorbells go to its event loop instead."""


def main(queue: str) -> int:
    """Work on the queue until SIGTERM; the exit status."""
    app = find_app("pictor.celery")
    django.setup()  # the log first
    logging.captureWarnings(capture=True)
    worker = app.Worker(
        hostname=host_format(default_nodename(f"{queue}@%h")),
        pool_cls="threads",
        concurrency=THREADS[queue],
        queues=[queue],
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
