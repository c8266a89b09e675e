"""The net under every crash: a loop in each short-work worker, safe to run many times.

    taken back   running under a worker that ended or is unseen for 15 s: queued again, up to twice,
                 in quarantine, because one of them may have killed the worker (claims.py)
    cancelled    jobs that vendors still work on for what has ended (dispatch/left_jobs.py)
    failed       past the deadline, in hand at a third death, or dispatched 9 times and not in hand:
                 failed and released

Image workers find queued generations by themselves (queued.py).

A call that may have been paid for is repeated in three places only: here, when a worker hands back
its generations, because our own crash, error or shutdown is not the customer's fault (the dispatch
number counts all of these, `deaths` the crashes), and for a bad result on channels whose retries
are free (dispatch/retry.py). An order that its vendor still works on is not repeated but followed
(dispatch/takeover.py).
"""

import logging
import threading
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from generation.lifecycle import attempts, notify, settlement
from generation.lifecycle.jobs import left_running
from generation.lifecycle.outcome import GAVE_UP, TIMED_OUT
from generation.models import Generation, State
from pictor.kit.database.cursors import first_column
from pictor.kit.running import vital
from pictor.kit.words import clock
from pictor.kit.words.errors import PictorError

logger = logging.getLogger(__name__)

BATCH = 500
SILENT_SECONDS = 120.0
"""The process ends if the reaper was silent for this long."""
LISTEN_SECONDS = 10.0
"""The interval at which the watch checks the reaper."""
_FIRST = UUID(int=0)

# SKIP LOCKED: reapers that run at once take different rows back.
_TAKE_BACK = """
WITH beside AS MATERIALIZED (
    SELECT worker_id, count(*) AS number,
           count(*) FILTER (WHERE quarantine > 0) AS suspected
    FROM generation_generation WHERE state = 'running' GROUP BY worker_id),
before AS MATERIALIZED (
    SELECT lost_with, max(quarantine) FILTER (WHERE deaths = 1) AS number,
           max(quarantine) FILTER (WHERE deaths > 1) AS suspected
    FROM generation_generation
    WHERE state IN ('queued', 'running') AND quarantine > 0 GROUP BY lost_with)
UPDATE generation_generation AS lost
SET state = 'queued', worker_id = NULL, lost_with = lost.worker_id, deaths = lost.deaths + 1,
    quarantine = least(32767, CASE WHEN lost.quarantine > 0
                                   THEN greatest(beside.suspected, before.suspected)
                                   ELSE greatest(beside.number, before.number) END)
FROM beside LEFT JOIN before ON before.lost_with IS NOT DISTINCT FROM beside.worker_id
WHERE beside.worker_id IS NOT DISTINCT FROM lost.worker_id AND lost.id IN (
    SELECT g.id FROM generation_generation AS g
    LEFT JOIN generation_worker AS w ON w.epoch = g.worker_id
    WHERE g.state = 'running' AND g.deaths < %(max_deaths)s - 1
      AND g.dispatch < %(max_dispatches)s
      AND g.deadline_at > clock_timestamp() AND {unseen}
    ORDER BY g.id FOR UPDATE OF g SKIP LOCKED LIMIT %(batch)s)
RETURNING lost.id
"""
"""A worker may have more in hand than one round takes back. Later rounds copy the number suspected
together from those `before` them: counted from the rest, the shares would grow."""
_UNSEEN = (
    "(w.epoch IS NULL OR w.stopped_at IS NOT NULL"
    " OR w.seen_at < clock_timestamp() - make_interval(secs => %(lease)s))"
)
_OVERDUE = """
SELECT id FROM generation_generation
WHERE state IN ('queued', 'running') AND deadline_at <= clock_timestamp() AND id > %(after)s
ORDER BY id LIMIT %(batch)s
"""
_WORN_OUT = f"""
SELECT g.id FROM generation_generation AS g
LEFT JOIN generation_worker AS w ON w.epoch = g.worker_id
WHERE g.id > %(after)s AND (
    (g.state = 'queued' AND g.dispatch >= %(max_dispatches)s)
    OR (g.state = 'running' AND {_UNSEEN}
        AND (g.deaths >= %(max_deaths)s - 1 OR g.dispatch >= %(max_dispatches)s)))
ORDER BY g.id LIMIT %(batch)s
"""  # noqa: S608 - built from constants


def reap(*, now: datetime) -> int:
    """Do one round; returns the number of generations that it moved."""
    taken_back = _ids(_TAKE_BACK.format(unseen=_UNSEEN))
    attempts.cut_off(generation_ids=taken_back, now=now)
    failed = _fail_all(_OVERDUE, TIMED_OUT, now)
    failed += _fail_all(_WORN_OUT, GAVE_UP, now)
    if left_running().exists():
        from generation.dispatch.left_jobs import (  # noqa: PLC0415 - adapters and libvips: 12 MB
            end_left_jobs,
        )

        end_left_jobs(now=now)
    if taken_back or failed:
        logger.warning("reaper: %d taken back, %d failed", len(taken_back), failed)
    return len(taken_back) + failed


def _ids(sql: str, *, after: UUID = _FIRST) -> list[UUID]:
    parameters: dict[str, Any] = {
        "max_deaths": settings.MAX_DEATHS,
        "max_dispatches": settings.MAX_DISPATCHES,
        "batch": BATCH,
        "lease": settings.LEASE_SECONDS,
        "after": after,
    }
    return first_column(sql, parameters)


def _fail_all(which: str, error: PictorError, now: datetime) -> int:
    """Fail a batch of them; an error for one does not stop the others.

    Each must still be in the state that was read: one that has moved on is left alone.
    """
    count, after = 0, _FIRST
    while count < BATCH and (ids := _ids(which, after=after)):
        unfinished = Generation.objects.filter(id__in=ids, finished_at=None).order_by("id")
        ended = [generation.id for generation in unfinished if _fail(generation, error, now)]
        if ended:
            notify.wake(ended)
        # From the last one on: rows that cannot be failed must not fill every batch.
        count, after = count + len(ended), ids[-1]
    return count


def _fail(generation: Generation, error: PictorError, now: datetime) -> bool:
    """Fail it and close its open attempts; False if it had moved on or an error occurred."""
    _note_alive()  # a batch may take longer than the watch waits
    condition = {
        "id": generation.id,
        "state": generation.state,
        "dispatch": generation.dispatch,
    }
    try:
        is_failed = settlement.end_without_image(
            generation=generation, state=State.FAILED, condition=condition, error=error, now=now
        )
    except Exception:
        # Not by the error's class: a lock time-out is an OperationalError as well.
        if not connection.is_usable():
            raise  # the database went away: the next round tries again
        logger.exception("%s could not be marked as failed", generation.public_id)
        return False
    if is_failed:
        attempts.cut_off(generation_ids=[generation.id], now=now)
    return is_failed


_stop = threading.Event()
_heard_at = 0.0


def _note_alive() -> None:
    global _heard_at  # noqa: PLW0603 - one reaper a process
    _heard_at = time.monotonic()


def start() -> None:
    """Begin the loop in a thread of its own, and another thread that watches it."""
    _note_alive()
    vital.start_thread("reaper", _loop, is_over=_stop.is_set)
    vital.start_thread("reaper-watch", _watch, is_over=_stop.is_set)


def stop() -> None:
    """End the loop after its present round."""
    _stop.set()


def drain() -> None:
    """Stop without waiting for the round: it ends soon, or another reaper does its work."""
    stop()


def _loop() -> None:
    while not _stop.wait(settings.REAPER_SECONDS):
        _note_alive()
        try:
            reap(now=clock.now())
        except (DatabaseError, InterfaceError) as error:
            logger.warning("the reaper's round failed: %s", error)
            connection.close()
        except Exception:
            logger.exception("the reaper's round failed")
            connection.close()


def _watch() -> None:
    """End the process if a round hangs: a connection that died unnoticed raises nothing."""
    while not _stop.wait(LISTEN_SECONDS):
        if time.monotonic() - _heard_at > SILENT_SECONDS:
            vital.end_process("its reaper has hung")
