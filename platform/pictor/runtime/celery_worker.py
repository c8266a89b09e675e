"""One Celery worker process: `python -m pictor.runtime.celery_worker images|short`.

The same as `celery -A pictor.celery worker --pool threads …`, without the imports of Celery's
command line (an interactive shell among them), which would make every start slower, and with what
the process is besides a consumer of messages. Reads PICTOR_DATA for the schedule file of the beat
inside the short-work worker.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from celery import bootsteps, signals
from celery.app.utils import find_app
from celery.utils.nodenames import default_nodename, host_format
from celery.worker import state
from django.db import InterfaceError, OperationalError, connection
from typing_extensions import override

from pictor.kit import vital
from pictor.runtime.process import die_with_parent

logger = logging.getLogger(__name__)

THREADS = {"images": 8, "short": 4}
"""Threads of the pool by queue; an image worker's thread only hands the id to the event loop."""
AGAIN_SECONDS = 1.0
"""Between two tries to become what the process is."""
BEAT_LOOK_SECONDS = 5.0


class Become(bootsteps.StartStopStep):
    """What the process is besides a consumer: an image worker with its lease, or the reaper.

    It is that before the first message is taken, since Celery starts its consumer last. Celery's
    signals would not do: what a receiver raises is logged and forgotten, and a worker without its
    lease takes every doorbell and does nothing. Here an error ends the process with a status that
    its supervisor sees; while the database is away, it waits.
    """

    requires = ("celery.worker.components:Pool", "celery.worker.components:Beat")

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._is_over = threading.Event()

    @override
    def start(self, parent: Any) -> None:
        """Become it, however long that takes."""
        from generation.background import reaper, worker  # noqa: PLC0415 - the apps are ready now

        if parent.beat is None:
            _as_soon_as_possible(worker.start)
        else:
            reaper.start()
            vital.start_thread("beat-watch", lambda: self._watch(parent.beat))

    @override
    def stop(self, parent: Any) -> None:
        """The consumer has stopped: finish what is in hand, or hand it back."""
        from generation.background import reaper, worker  # noqa: PLC0415 - as above

        self._is_over.set()
        reaper.stop()
        worker.drain()

    terminate = stop

    def _watch(self, beat: Any) -> None:
        """Without its clock the process would look well, and the hourly work would never come."""
        while not self._is_over.wait(BEAT_LOOK_SECONDS):
            if not beat.is_alive():
                raise RuntimeError("the beat has ended")


def _as_soon_as_possible(begin: Callable[[], None]) -> None:
    """Begin once the database is there, or end when the process is asked to stop before."""
    pause = threading.Event()
    while True:
        state.maybe_shutdown()
        try:
            return begin()
        except (OperationalError, InterfaceError) as error:
            logger.warning("no message is taken before the database is there: %s", error)
            connection.close()
            pause.wait(AGAIN_SECONDS)


@signals.setup_logging.connect
def log_as_everywhere(**_: Any) -> None:
    """A receiver keeps Celery from setting up logs of its own: the settings have done it."""


@signals.worker_init.connect
def refuse_to_start(**_: Any) -> None:
    """A worker without its secrets would write what nobody can read."""
    from pictor.kit.checks import refuse_without_secrets  # noqa: PLC0415 - reads the settings

    refuse_without_secrets()


@signals.beat_embedded_init.connect
def end_with_the_worker(**_: Any) -> None:
    """The embedded beat is a forked child: it must not outlive the worker that forked it."""
    die_with_parent(signal.SIGTERM, os.getppid())


@signals.worker_shutting_down.connect
def stop_claiming(**_: Any) -> None:
    """SIGTERM: nothing more is claimed."""
    from generation.background import reaper, worker  # noqa: PLC0415 - as in Become

    worker.stop_claiming()
    reaper.stop()


def main(queue: str) -> int:
    """Work on the queue until SIGTERM; the exit status."""
    schedule = Path(os.environ["PICTOR_DATA"]) / "beat-schedule"
    app = find_app("pictor.celery")
    django.setup()  # the log first
    logging.captureWarnings(capture=True)
    app.steps["worker"].add(Become)
    worker = app.Worker(
        hostname=host_format(default_nodename(f"{queue}@%h")),
        pool_cls="threads",
        concurrency=THREADS[queue],
        queues=[queue],
        quiet=True,
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
