"""A worker's lease: one row for one life of one image worker, renewed every few seconds.

Generations are claimed under it; those of a worker unseen for too long are taken back.
Every comparison of times uses the database's clock.
"""

import os
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import NewType
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from generation.catalogue.traffic.open_breakers import OPEN_NOW, BreakerPause, pauses
from generation.models import Worker
from pictor import __version__
from pictor.kit.words import ids

WorkerEpoch = NewType("WorkerEpoch", UUID)

TROUBLE_CHARS = 200
_RENEW = f"""
WITH renewed AS (
     UPDATE generation_worker
        SET seen_at = clock_timestamp(), storage_trouble = %s, in_hand = %s
      WHERE epoch = %s AND stopped_at IS NULL RETURNING epoch)
SELECT open.* FROM renewed LEFT JOIN ({OPEN_NOW}) AS open ON TRUE
"""  # noqa: S608 - built from constants
MAX_SEEN = 200
"""The most workers that are listed."""


def enlist() -> WorkerEpoch:
    """Begin a new life of this process: a row with a fresh epoch."""
    worker = Worker.objects.create(
        epoch=ids.new_uuid(),
        host=socket.gethostname(),
        pid=os.getpid(),
        version=__version__,
        slots=settings.WORKER_SLOTS,
        in_hand=0,
        signs=bool(settings.C2PA_CERTIFICATE),
    )
    return WorkerEpoch(worker.epoch)


def renew(*, worker: WorkerEpoch, trouble: str = "", in_hand: int = 0) -> list[BreakerPause] | None:
    """Renew the lease; None if it was ended or its row is gone. Else all workers' open breakers.

    Also records the trouble with storage, if any, and the number of generations in hand.

    Allowed after the lease has run out: generations taken from us meanwhile have another dispatch
    number, so our writes cannot touch them, and the others are ours to finish.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RENEW, [trouble[:TROUBLE_CHARS], in_hand, worker])
        rows = cursor.fetchall()
        return pauses(row for row in rows if row[0] is not None) if rows else None


@dataclass(frozen=True, slots=True)
class LiveWorkers:
    """The numbers of image workers with a valid lease, and of those that can store images."""

    workers: int
    can_store: int

    @property
    def storage(self) -> bool | None:
        """True if all of them can store images; None if there are none."""
        return self.can_store == self.workers if self.workers else None


def live_workers() -> LiveWorkers:
    """The numbers as the workers reported them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE storage_trouble = '')"
            " FROM generation_worker WHERE stopped_at IS NULL"
            " AND seen_at > clock_timestamp() - make_interval(secs => %s)",
            [settings.LEASE_SECONDS],
        )
        return LiveWorkers(*cursor.fetchone())


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """An image worker, and the time since it was last seen."""

    worker: Worker
    unseen_seconds: float

    @property
    def is_alive(self) -> bool:
        """True if it has renewed its lease in time."""
        return self.unseen_seconds < settings.LEASE_SECONDS


def recent_workers() -> list[SeenWorker]:
    """Workers that did not end by themselves, most recently seen first.

    Includes those that fell silent within the hour and whose work was taken back.
    """
    since = Now() - timedelta(hours=1)
    left = Worker.objects.filter(stopped_at=None, seen_at__gt=since).annotate(at=Now())
    rows = left.order_by("-seen_at", "epoch")[:MAX_SEEN]
    return [SeenWorker(row, (row.at - row.seen_at).total_seconds()) for row in rows]


def worker_lives(*, after: UUID | None, limit: int) -> list[SeenWorker]:
    """All lives of image workers, ended ones too, the latest first, from after that epoch on."""
    rows = Worker.objects.annotate(at=Now()).order_by("-epoch")
    if after is not None:
        rows = rows.filter(epoch__lt=after)
    return [SeenWorker(row, (row.at - row.seen_at).total_seconds()) for row in rows[:limit]]


def retire(*, worker: WorkerEpoch) -> None:
    """End the lease at once: nothing more can be claimed under this epoch."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE generation_worker SET stopped_at = clock_timestamp() WHERE epoch = %s",
            [worker],
        )
