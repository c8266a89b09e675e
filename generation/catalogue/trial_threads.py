"""Run route tests in threads of the short-work worker, as its pool has only 4 threads."""

import logging
import threading
from uuid import UUID

from celery import shared_task
from django.db import connection

logger = logging.getLogger(__name__)

MAX_THREADS = 8
"""Tests running at once in a process; others wait."""
_lanes = threading.BoundedSemaphore(MAX_THREADS)


@shared_task(name="generation.lanes.try_route", ignore_result=True)
def try_route(trial_id: str) -> None:
    """Make a planned call in its own thread, which ends with the process.

    A call cut off by that stays open: it may have been made and paid for.
    """
    threading.Thread(target=_run, args=(UUID(trial_id),), name="trial", daemon=True).start()


def _run(trial_id: UUID) -> None:
    from generation.catalogue.trials import run_asked  # noqa: PLC0415 - adapters and libvips: 12 MB

    with _lanes:
        try:
            run_asked(trial_id)
        except Exception:
            logger.exception("the test %s of a route was cut off", trial_id)
        finally:
            connection.close()
