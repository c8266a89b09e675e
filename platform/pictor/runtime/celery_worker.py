"""One Celery worker process: `python -m pictor.runtime.celery_worker images|short`.

The same as `celery -A pictor.celery worker --pool threads …`, without the imports of Celery's
command line (an interactive shell among them), which would make every start slower. Reads
PICTOR_DATA for the schedule file of the beat inside the short-work worker.
"""

import os
import sys
from pathlib import Path

from celery.app.utils import find_app
from celery.utils.nodenames import default_nodename, host_format

THREADS = {"images": 8, "short": 4}
"""Threads of the pool by queue; an image worker's thread only hands the id to the event loop."""


def main(queue: str) -> int:
    """Work on the queue until SIGTERM; the exit status."""
    schedule = Path(os.environ["PICTOR_DATA"]) / "beat-schedule"
    worker = find_app("pictor.celery").Worker(
        hostname=host_format(default_nodename(f"{queue}@%h")),
        pool_cls="threads",
        concurrency=THREADS[queue],
        queues=[queue],
        loglevel="INFO",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        beat=queue == "short",
        schedule_filename=str(schedule),
    )
    worker.start()
    return int(worker.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
