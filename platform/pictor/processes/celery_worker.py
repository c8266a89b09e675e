"""One Celery worker process: `pictor worker images|short`.

Like `celery -A pictor.celery worker --pool threads …`, but without the imports of Celery's command
line (an interactive shell among them), which slow down every start, and with the settings' log from
the first line on. A short-work worker needs PICTOR_DATA for its beat's schedule file
(worker_step.py).
"""

import os
import sys
from collections.abc import Sequence

import django
from celery.app.utils import find_app
from celery.utils.nodenames import default_nodename, host_format

from pictor.processes import worker_step  # noqa: F401 - its signals, before the worker is made
from pictor.processes.first_lines import log_lines, note_python

USAGE = "usage: pictor worker images|short"
THREADS = {"images": 1, "short": 4}
"""Threads of the pool by queue; an image worker passes its doorbells to its event loop."""


def main(queue: str) -> int:
    """Work on the queue until SIGTERM; return the exit status."""
    app = find_app("pictor.celery")
    django.setup()  # configures the log before Celery does
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
    note_python()
    worker.start()
    return int(worker.exitcode or 0)


def _queue(arguments: Sequence[str]) -> str:
    """Return the queue that was asked for. Raises SystemExit if it is unknown or lacks a folder."""
    if len(arguments) != 1 or arguments[0] not in THREADS:
        raise SystemExit(USAGE)
    if arguments[0] == "short" and not os.environ.get("PICTOR_DATA"):
        raise SystemExit(
            "Each worker needs its own PICTOR_DATA folder: docs/operations/settings.md."
        )
    return arguments[0]


if __name__ == "__main__":
    with log_lines():
        sys.exit(main(_queue(sys.argv[1:])))
