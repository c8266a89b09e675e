"""The work of a Celery worker process besides taking messages, however it was started.

The app names `Become` as a step of every worker (pictor/celery.py).
"""

import logging
import os
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from celery import beat, bootsteps, signals
from celery.worker import state
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from typing_extensions import override

from pictor.kit.database import poolers, statement_logs
from pictor.kit.running import garbage, vital
from pictor.kit.watching import metrics
from pictor.processes import hearing

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
"""Pause between two tries to start a part while the database is away."""
TICK_SECONDS = 1
"""The beat's interval; within it the beat also stops, unless it waits for the broker."""
BEAT_STOP_SECONDS = 2.0
"""The longest wait of an ending worker for its beat."""

PARTS = {
    "images": ("generation.background.worker",),
    "short": ("generation.background.reaper", "webhooks.sender"),
}
"""Parts of a worker by queue. A module is imported only in a worker that needs it: the modules of
the image worker take 12 MB."""


class WorkerPart(Protocol):
    """The interface of such a module."""

    def start(self) -> None:
        """Begin, in threads of its own. Raises DatabaseError while the database is away."""

    def stop(self) -> None:
        """Begin nothing more."""

    def drain(self) -> None:
        """Begin nothing more, and wait for work in hand as long as a shutdown may take."""


_begun: list[WorkerPart] = []


class Become(bootsteps.StartStopStep):
    """The worker step that starts the parts of its queues: image worker, or reaper and sender.

    The parts start before the first message is taken, since Celery starts its consumer last. A
    receiver of Celery's signals would not do: its errors are only logged, and a worker without its
    lease would take every doorbell and do nothing. Here an error ends the process with a status
    that its supervisor sees; while the database is away, the step waits.
    """

    requires = ("celery.worker.components:Pool",)
    _beat: beat.Service | None = None
    _ticking: threading.Thread | None = None

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._is_stopping = threading.Event()

    @override
    def start(self, parent: Any) -> None:
        """Start the parts, however long that takes."""
        poolers.make_sure()
        statement_logs.look_once()
        queues = parent.app.amqp.queues.consume_from
        for name in (name for queue in sorted(queues) for name in PARTS[queue]):
            part = cast("WorkerPart", import_module(name))
            _as_soon_as_possible(part.start)
            _begun.append(part)
        if "short" in queues:
            self._start_beat(parent.app)
            hearing.start()
        if settings.METRICS:
            metrics.start("+".join(sorted(queues)))
        garbage.keep_what_is_there()

    @override
    def stop(self, parent: Any) -> None:
        """Finish the work in hand or hand it back, after the consumer has stopped.

        The beat is told first and awaited last, because it does not end while the broker is away.
        Figures are posted until the end, so that a worker that drains for minutes counts as alive.
        """
        self._is_stopping.set()
        hearing.stop()
        if self._beat is not None:
            self._beat.stop()
        for part in _begun:
            part.drain()
        metrics.stop()
        if self._ticking is not None:
            self._ticking.join(BEAT_STOP_SECONDS)

    terminate = stop

    def _start_beat(self, app: Any) -> None:
        """Start Celery's clock in a thread; embedded by Celery, it would be a process of 60 MB.

        The thread is vital: without it the process would look well but do no hourly work.
        """
        schedule = Path(os.environ["PICTOR_DATA"]) / "beat-schedule"
        service = self._beat = beat.Service(
            app, max_interval=TICK_SECONDS, schedule_filename=str(schedule)
        )

        def tick() -> None:
            schedule.parent.mkdir(parents=True, exist_ok=True)
            app.set_current()  # Celery's current app is set per thread
            service.start()

        self._ticking = vital.start_thread("beat", tick, is_over=self._is_stopping.is_set)


def _as_soon_as_possible(begin: Callable[[], None]) -> None:
    """Begin once the database is there, or end if the process is told to stop before that."""
    pause = threading.Event()
    while True:
        state.maybe_shutdown()
        try:
            return begin()
        except (OperationalError, InterfaceError) as error:
            logger.warning("no message is taken before the database answers: %s", error)
            connection.close()
            pause.wait(AGAIN_SECONDS)


@signals.setup_logging.connect
def log_as_everywhere(**_: Any) -> None:
    """Keep Celery from configuring the log, as any receiver does: the settings have done it."""


@signals.worker_init.connect
def refuse_to_start(**_: Any) -> None:
    """End a worker without its secrets, which would write unreadable data or waste paid images."""
    from pictor.kit.watching.system_checks import refuse_to_serve  # noqa: PLC0415 - reads the settings
    from storage import backends  # noqa: PLC0415 - as above

    refuse_to_serve()
    backends.refuse_to_serve()


@signals.worker_shutting_down.connect
def stop_claiming(**_: Any) -> None:
    """Claim nothing more after SIGTERM."""
    for part in _begun:
        part.stop()
