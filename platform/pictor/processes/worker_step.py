"""What a Celery worker process is besides a consumer of messages, however it was started.

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
"""Between two tries to become what the process is."""
TICK_SECONDS = 1
"""The beat looks this often, and stops as fast, unless it waits for the broker."""
BEAT_STOP_SECONDS = 2.0
"""So long a worker that ends waits for it."""

PARTS = {
    "images": ("generation.background.worker",),
    "short": ("generation.background.reaper", "webhooks.sender"),
}
"""What a worker is by its queues. Each module is imported where it is needed alone: what images go
through takes 12 MB."""


class Part(Protocol):
    """What such a module does."""

    def start(self) -> None:
        """Begin, in threads of its own. Raises DatabaseError where it needs what is away."""

    def stop(self) -> None:
        """Begin nothing more."""

    def drain(self) -> None:
        """The same, and wait for what is in hand as long as a shutdown may take."""


_begun: list[Part] = []


class Become(bootsteps.StartStopStep):
    """What the process is besides a consumer: by its queues, image worker, or reaper and sender.

    It is that before the first message is taken, since Celery starts its consumer last. Celery's
    signals would not do: what a receiver raises is logged and forgotten, and a worker without its
    lease takes every doorbell and does nothing. Here an error ends the process with a status that
    its supervisor sees; while the database is away, it waits.
    """

    requires = ("celery.worker.components:Pool",)
    _beat: beat.Service | None = None
    _ticking: threading.Thread | None = None

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._is_stopping = threading.Event()

    @override
    def start(self, parent: Any) -> None:
        """Become it, however long that takes."""
        poolers.make_sure()
        statement_logs.look_once()
        queues = parent.app.amqp.queues.consume_from
        for name in (name for queue in sorted(queues) for name in PARTS[queue]):
            part = cast("Part", import_module(name))
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
        """The consumer has stopped: finish what is in hand, or hand it back.

        The beat is asked first and waited for last: while the broker is away it does not end. The
        figures are posted to the end: a worker that drains for minutes is still there.
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
        """Celery's clock in a thread: embedded as Celery does it, it is a process of 60 MB.

        Without it the process would look well, and the hourly work would never come.
        """
        schedule = Path(os.environ["PICTOR_DATA"]) / "beat-schedule"
        service = self._beat = beat.Service(
            app, max_interval=TICK_SECONDS, schedule_filename=str(schedule)
        )

        def tick() -> None:
            schedule.parent.mkdir(parents=True, exist_ok=True)
            app.set_current()  # for this thread
            service.start()

        self._ticking = vital.start_thread("beat", tick, is_over=self._is_stopping.is_set)


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
    """A worker without its secrets would write what nobody can read, or be paid for nothing."""
    from pictor.kit.watching.system_checks import refuse_to_serve  # noqa: PLC0415 - reads the settings
    from storage import backends  # noqa: PLC0415 - reads them too

    refuse_to_serve()
    backends.refuse_to_serve()


@signals.worker_shutting_down.connect
def stop_claiming(**_: Any) -> None:
    """SIGTERM: nothing more is claimed."""
    for part in _begun:
        part.stop()
